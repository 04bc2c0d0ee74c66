// What a schedule owes after a look that comes late: the server was down, or busy. However many
// times have passed, one run stands for them all; times older than an age limit are not caught up.
#pragma once

#include <cstdint>
#include <optional>

#include "core/cron.hpp"

namespace kpi {

struct Owed {
    // The last time that passed; nullopt: none has.
    std::optional<Timestamp> last;
    bool too_old = false;  // beyond the age limit: it was missed
    // Times that passed before `last`, counted up to kMostCounted.
    int64_t skipped = 0;
    std::optional<Timestamp> next;  // the first one after now; nullopt: there is none
};
constexpr int64_t kMostCounted = 1000;

// `due`: the first time that was not served yet, as an earlier look left it; nullopt: there was
// none. A `due` beyond the schedule's next time (the clock was set back) counts as not passed.
Owed owed(const Cron &cron, const Zone &zone, std::optional<Timestamp> due, Timestamp now,
          int64_t max_age);

}  // namespace kpi
