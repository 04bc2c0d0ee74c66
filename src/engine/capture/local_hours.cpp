#include "engine/capture/local_hours.hpp"

namespace kpi::capture {
namespace {

constexpr int64 kUnixEpoch = int64(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;

// Floor division: local times before 2000 are negative.
int64 floor_to(int64 value, int64 unit) {
    int64 rest = value % unit;
    if (rest < 0) rest += unit;
    return value - rest;
}

}  // namespace

// The period of an instant, from the instant on: earlier ones join it as they are met.
bool LocalHours::find(TimestampTz at, Period *out) {
    struct pg_tm tm;
    fsec_t fraction = 0;
    int offset = 0;
    if (timestamp2tm(at, &offset, &tm, &fraction, nullptr, zone_) != 0) return false;
    *out = {at, at + 1, -int64(offset) * USECS_PER_SEC};
    const auto seconds = pg_time_t(floor_to(at, USECS_PER_SEC) / USECS_PER_SEC + kUnixEpoch);
    long before = 0, after = 0;
    int before_is_dst = 0, after_is_dst = 0;
    pg_time_t boundary = 0;
    const int found = pg_next_dst_boundary(&seconds, &before, &before_is_dst, &boundary, &after,
                                           &after_is_dst, zone_);
    if (found < 0 || before != -long(offset)) return true;
    out->to = found == 0 ? DT_NOEND : (boundary - kUnixEpoch) * USECS_PER_SEC;
    for (Period &known : periods_) {
        if (known.to != out->to || known.offset != out->offset || known.from > known.to) continue;
        known.from = Min(known.from, at);
        *out = known;
        return true;
    }
    periods_[next_] = *out;
    next_ = (next_ + 1) % kPeriods;
    return true;
}

bool LocalHours::bucket(TimestampTz at, LocalHour *out) {
    if (TIMESTAMP_NOT_FINITE(at)) return false;
    Period period;
    for (const Period &known : periods_)
        if (at >= known.from && at < known.to) period = known;
    if (period.from > period.to && !find(at, &period)) return false;
    const Timestamp wall = at + period.offset;
    out->hour = floor_to(wall, USECS_PER_HOUR) - period.offset;
    out->day = DateADT(floor_to(wall, USECS_PER_DAY) / USECS_PER_DAY);
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
