#include "pg/clock.hpp"

#include <fmt/format.h>

#include "pg/guard.hpp"

// PostgreSQL calls its own 64-bit time value Timestamp too; ours is named in full here.
namespace kpi::pg {
namespace {

constexpr int64_t kMicroseconds = 1'000'000;

struct Clock {
    pg_tm tm{};
    fsec_t fraction = 0;
};

Clock split(int64_t microseconds, pg_tz *zone, int *west) {
    Clock clock;
    const char *abbreviation = nullptr;
    if (timestamp2tm(microseconds, west, &clock.tm, &clock.fraction, &abbreviation, zone) != 0)
        throw Error("22008", "timestamp out of range");
    return clock;
}

int64_t local_time(int64_t at, pg_tz *zone) {
    int west = 0;
    split(at, zone, &west);
    return at - west * kMicroseconds;
}

int64_t first_instant(int64_t local, pg_tz *zone) {
    Clock clock = split(local, nullptr, nullptr);
    const int64_t at = local + DetermineTimeZoneOffset(&clock.tm, zone) * kMicroseconds;
    // Where the clock goes back PostgreSQL takes the second occurrence; zones go back by an hour or
    // (Lord Howe) half. The usual case ends at the first look: nothing moved within the hour.
    const int64_t before = local_time(at - kHour, zone);
    if (before == local) return at - kHour;
    if (before != local - kHour && local_time(at - kHour / 2, zone) == local) return at - kHour / 2;
    return at;
}

}  // namespace

Zone zone(const std::string &name) {
    const char *text = name.c_str();
    pg_tz *zone = call([&] { return pg_tzset(text); });
    if (zone == nullptr) throw Error("22023", fmt::format("time zone \"{}\" not recognized", name));
    return {
        [zone](kpi::Timestamp at) { return Local{local_time(at.microseconds, zone)}; },
        [zone](Local local) { return kpi::Timestamp{first_instant(local.microseconds, zone)}; }};
}

kpi::Timestamp snapshot_time() {
    return {IsolationUsesXactSnapshot() ? GetCurrentTransactionStartTimestamp()
                                        : GetCurrentStatementStartTimestamp()};
}

}  // namespace kpi::pg
