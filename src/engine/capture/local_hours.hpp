// Local hour and day of an instant in a source's zone. hour = the start of the event's local hour
// under the event's own UTC offset (so a half-hour shift is not truncated twice); day = the local
// date of the event itself. Between two changes of the zone's offset that is arithmetic: the last
// few such periods are remembered, because rows come in no order.
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
    // Instants [from, to) with one offset, east of UTC.
    struct Period {
        TimestampTz from = 1, to = 0;  // empty
        int64 offset = 0;
    };
    bool find(TimestampTz at, Period *out);

    static constexpr int kPeriods = 4;
    pg_tz *zone_;
    Period periods_[kPeriods];
    int next_ = 0;
};

}  // namespace kpi::capture
