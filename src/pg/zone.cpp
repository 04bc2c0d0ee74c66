#include "pg/zone.hpp"

#include <fmt/format.h>

#include "pg/guard.hpp"

namespace kpi::pg {
namespace {

constexpr int64_t kEpochGap = int64_t(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;

}  // namespace

std::vector<ZoneSpan> zone_spans(const std::string &zone, Timestamp from, Timestamp to,
                                 size_t most) {
    const char *name = zone.c_str();
    pg_tz *tz = call([&] { return pg_tzset(name); });
    if (tz == nullptr) throw Error("22023", fmt::format("time zone \"{}\" not recognized", zone));
    std::vector<ZoneSpan> spans;
    pg_time_t at = from.microseconds / USECS_PER_SEC + kEpochGap - 1;
    const pg_time_t end = to.microseconds / USECS_PER_SEC + kEpochGap;
    while (true) {
        long before = 0;
        long after = 0;
        int before_dst = 0;
        int after_dst = 0;
        pg_time_t boundary = 0;
        const int found =
            pg_next_dst_boundary(&at, &before, &before_dst, &boundary, &after, &after_dst, tz);
        if (found < 0)
            throw Error("22023",
                        fmt::format("time zone \"{}\" has no offset for the given time", zone));
        // A boundary may change the abbreviation only.
        if (!spans.empty() && spans.back().seconds_east == int(before)) spans.pop_back();
        spans.push_back({.seconds_east = int(before)});
        if (spans.size() > most) return {};
        if (found == 0 || boundary >= end) return spans;
        spans.back().until = (boundary - kEpochGap) * USECS_PER_SEC;
        at = boundary;
    }
}

}  // namespace kpi::pg
