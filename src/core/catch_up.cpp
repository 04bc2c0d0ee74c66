#include "core/catch_up.hpp"

namespace kpi {
namespace {

// The last time in [from, to], found from its end: nobody walks through a year of minutes.
std::optional<Timestamp> last_between(const Cron &cron, const Zone &zone, Timestamp from,
                                      Timestamp to) {
    std::optional<Timestamp> found;
    for (int64_t back = 60 * kSecond; !found; back *= 4) {
        const Timestamp start = std::max(from, Timestamp{to.microseconds - back});
        for (auto at = cron.next({start.microseconds - 1}, zone); at && *at <= to;
             at = cron.next(*at, zone))
            found = at;
        if (start == from) break;
    }
    return found;
}

}  // namespace

Owed owed(const Cron &cron, const Zone &zone, std::optional<Timestamp> due, Timestamp now,
          int64_t max_age) {
    Owed result;
    result.next = cron.next(now, zone);
    if (!due || *due > now) return result;
    result.last = last_between(cron, zone, *due, now);
    // Nothing of the schedule has passed: it was another one that set the time.
    if (!result.last) return result;
    result.too_old = now.microseconds - result.last->microseconds > max_age;
    for (auto at = cron.next({due->microseconds - 1}, zone);
         at && *at < *result.last && result.skipped < kMostCounted; at = cron.next(*at, zone))
        ++result.skipped;
    return result;
}

}  // namespace kpi
