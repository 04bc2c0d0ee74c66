// The calendar (kpi.event) as the judges need it: what it says of a segment in a day or an hour.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/calendar.hpp"
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
    // Entries of these buckets and all between them. Needs an open Spi.
    CalendarDays(const Bucket &first, const Bucket &last);
    bool has_scopes() const { return has_scopes_; }
    // The first entry about a segment (or everything); nullptr: an ordinary bucket. An hour has the
    // entries of hours first; a day is only annotated by entries of hours inside it, and a longer
    // bucket by those of its days, unless each of them is ignored: then so is the bucket.
    const Entry *entry(const Bucket &bucket, Grain grain, const nlohmann::json &segment) const;

private:
    // An entry as it counts for buckets of its own length or shorter, and for longer ones.
    struct Listed {
        explicit Listed(Entry entry);
        Entry exact, annotation;
    };
    struct Hours {
        std::int64_t from = 0, to = 0;  // microseconds since 2000
        Listed entry;
    };
    const Listed *of_hours(const Bucket &bucket, const nlohmann::json &segment) const;
    const Listed *of_day(Date day, const nlohmann::json &segment) const;
    const Entry *of_days(const Bucket &bucket, const nlohmann::json &segment) const;

    std::vector<Hours> hours_;
    std::map<std::int32_t, std::vector<Listed>> days_;
    bool has_scopes_ = false;
};

}  // namespace kpi::monitor
