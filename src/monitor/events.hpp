// The calendar: entering days, one entry or the holidays of a country. What is wrong with an
// argument is said of the argument. Needs an open Spi and the rights of the extension's owner.
#pragma once

#include <optional>
#include <string>

#include "core/table.hpp"

namespace kpi::monitor {

struct NewEvent {
    std::string name, kind;
    Date start_on;
    std::optional<Date> end_on;  // included
    std::string scope = "{}";    // jsonb
    std::optional<std::string> effect;
};

// Returns the entry's id; the same name, days and scope again change the entry. Errors: 22023.
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
