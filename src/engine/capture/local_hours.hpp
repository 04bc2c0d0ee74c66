// Local hour and day of an instant in a source's zone. One answer is cached, because consecutive
// events usually fall into the same hour; a cached range never spans a change of the zone's offset.
// hour = the start of the event's local hour under the event's own UTC offset (so a half-hour shift
// is not truncated twice); day = the local date of the event itself.
#pragma once

#include "pg/prelude.hpp"

namespace kpi::capture {

struct LocalHour {
    TimestampTz hour;
    DateADT day;
};

class LocalHours {
public:
    explicit LocalHours(pg_tz *zone) : zone_(zone) {}
    // False for infinity and for instants outside PostgreSQL's calendar: they belong to no bucket.
    bool bucket(TimestampTz at, LocalHour *out);
    // The instant of a local wall-clock time; PostgreSQL's own rule for gaps and overlaps (AT TIME
    // ZONE).
    bool instant(Timestamp local, TimestampTz *out) const;

private:
    bool local(TimestampTz at, Timestamp *out) const;
    pg_tz *zone_;
    TimestampTz from_ = 1, to_ = 0;  // empty
    LocalHour cached_{};
};

}  // namespace kpi::capture
