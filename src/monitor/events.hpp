// The calendar: entering days or hours, one entry or the holidays of a country. What is wrong with
// an argument is said of the argument. Needs an open Spi and the rights of the extension's owner.
#pragma once

#include <optional>
#include <string>

#include "core/table.hpp"

namespace kpi::monitor {

struct NewEvent {
    std::string name, kind;
    // Days, or hours: one of the starts.
    std::optional<Date> start_on, end_on;       // included
    std::optional<Timestamp> start_at, end_at;  // excluded; absent: an hour later
    std::string scope = "{}";                   // jsonb
    std::optional<std::string> effect;
};

// Returns the entry's id; the same name, days or hours, and scope again change the entry. Errors:
// 22023, 22004 without a start.
int64_t add_event(const NewEvent &event);

struct HolidayRequest {
    std::string country;
    std::optional<int> from_year, to_year;
    std::string scope = "{}";
    std::string effect = "widen";
};

// Returns how many days were new. Errors: 22023.
int64_t load_holidays(const HolidayRequest &request);

// What rules keep about the days to come: made anew after the calendar has changed.
void forget_outlooks();

}  // namespace kpi::monitor
