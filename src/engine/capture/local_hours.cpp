#include "engine/capture/local_hours.hpp"

namespace kpi::capture {
namespace {

// Floor division: local times before 2000 are negative.
int64 floor_to(int64 value, int64 unit) {
    int64 rest = value % unit;
    if (rest < 0) rest += unit;
    return value - rest;
}

}  // namespace

bool LocalHours::local(TimestampTz at, Timestamp *out) const {
    struct pg_tm tm;
    fsec_t fraction = 0;
    int offset = 0;
    if (timestamp2tm(at, &offset, &tm, &fraction, nullptr, zone_) != 0) return false;
    *out = at - int64(offset) * USECS_PER_SEC;
    return true;
}

bool LocalHours::bucket(TimestampTz at, LocalHour *out) {
    if (at >= from_ && at < to_) {
        *out = cached_;
        return true;
    }
    if (TIMESTAMP_NOT_FINITE(at)) return false;
    Timestamp wall = 0;
    if (!local(at, &wall)) return false;
    const Timestamp wall_hour = floor_to(wall, USECS_PER_HOUR);
    out->hour = at - (wall - wall_hour);
    out->day = DateADT(floor_to(wall, USECS_PER_DAY) / USECS_PER_DAY);
    Timestamp first = 0, last = 0;
    const TimestampTz end = out->hour + USECS_PER_HOUR;
    if (local(out->hour, &first) && local(end - 1, &last) && first == wall_hour &&
        last == wall_hour + USECS_PER_HOUR - 1) {
        from_ = out->hour;
        to_ = end;
        cached_ = *out;
    }
    return true;
}

bool LocalHours::instant(Timestamp wall, TimestampTz *out) const {
    if (TIMESTAMP_NOT_FINITE(wall)) return false;
    struct pg_tm tm;
    fsec_t fraction = 0;
    if (timestamp2tm(wall, nullptr, &tm, &fraction, nullptr, nullptr) != 0) return false;
    const int offset = DetermineTimeZoneOffset(&tm, zone_);
    *out = wall + int64(offset) * USECS_PER_SEC;
    return IS_VALID_TIMESTAMP(*out);
}

}  // namespace kpi::capture
