// The calendar (kpi.event_day) as the judges need it: what each day says of a segment.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/table.hpp"
#include "detect/types.hpp"

namespace kpi::monitor {

struct Entry {
    std::string name;
    detect::Effect effect = detect::Effect::none;
    std::uint32_t identity = 0;
    nlohmann::json scope;
};

class CalendarDays {
public:
    // Entries of these days. Needs an open Spi.
    CalendarDays(Date first, Date last);
    bool has_scopes() const { return has_scopes_; }
    // The first entry about a segment (or everything); nullptr: an ordinary day.
    const Entry *entry(Date day, const nlohmann::json &segment) const;

private:
    std::map<std::int32_t, std::vector<Entry>> days_;
    bool has_scopes_ = false;
};

}  // namespace kpi::monitor
