#include "pg/clock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

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

constexpr int64_t kEpochGap = int64_t(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
constexpr int64_t kYear = 366 * kDay;
// Offsets of a zone differ by less: what lies so far inside a period is not shown by another one.
constexpr int64_t kMargin = 2 * kDay;

// A clock of one zone. A plan asks for the times of buckets in a row: the period with one offset
// that holds the last one is kept, and a time in it costs an addition.
class ZoneClock {
public:
    explicit ZoneClock(pg_tz *zone) : zone_(zone) {}

    int64_t local(int64_t at) {
        if (at < from_ || at >= until_) find_period(at);
        return at + east_;
    }

    int64_t first_instant(int64_t local_time) {
        const int64_t guess = local_time - east_;
        if (guess > from_ + kMargin && guess < until_ - kMargin) return guess;
        Clock clock = split(local_time, nullptr, nullptr);
        const int64_t at = local_time + DetermineTimeZoneOffset(&clock.tm, zone_) * kMicroseconds;
        // Where the clock goes back PostgreSQL takes the second occurrence; zones go back by an
        // hour or (Lord Howe) half. The usual case ends at the first look: nothing moved within the
        // hour.
        const int64_t before = local(at - kHour);
        if (before == local_time) return at - kHour;
        if (before != local_time - kHour && local(at - kHour / 2) == local_time)
            return at - kHour / 2;
        return at;
    }

private:
    // Its beginning is looked for in the year before: a period that is said to begin later than it
    // does costs a look-up.
    void find_period(int64_t at) {
        int west = 0;
        split(at, zone_, &west);
        east_ = -west * kMicroseconds;
        const int64_t second = at / kMicroseconds - (at % kMicroseconds < 0 ? 1 : 0) + kEpochGap;
        pg_time_t since = second - kYear / kMicroseconds, until = 0;
        while (next_boundary(since, &until) && until <= second) since = until;
        from_ = std::max((since - kEpochGap) * kMicroseconds, int64_t(MIN_TIMESTAMP));
        until_ = next_boundary(second, &until)
                     ? std::min((until - kEpochGap) * kMicroseconds, int64_t(END_TIMESTAMP))
                     : int64_t(END_TIMESTAMP);
    }

    bool next_boundary(pg_time_t after, pg_time_t *boundary) const {
        long before_offset = 0, after_offset = 0;
        int before_dst = 0, after_dst = 0;
        return pg_next_dst_boundary(&after, &before_offset, &before_dst, boundary, &after_offset,
                                    &after_dst, zone_) > 0;
    }

    pg_tz *zone_;
    int64_t from_ = 0, until_ = 0, east_ = 0;
};

}  // namespace

Zone zone(const std::string &name) {
    const char *text = name.c_str();
    pg_tz *zone = call([&] { return pg_tzset(text); });
    if (zone == nullptr) throw Error("22023", fmt::format("time zone \"{}\" not recognized", name));
    const auto clock = std::make_shared<ZoneClock>(zone);
    return {
        [clock](kpi::Timestamp at) { return Local{clock->local(at.microseconds)}; },
        [clock](Local local) { return kpi::Timestamp{clock->first_instant(local.microseconds)}; }};
}

kpi::Timestamp snapshot_time() {
    return {IsolationUsesXactSnapshot() ? GetCurrentTransactionStartTimestamp()
                                        : GetCurrentStatementStartTimestamp()};
}

}  // namespace kpi::pg
