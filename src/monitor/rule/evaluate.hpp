// One look of all rules, as the worker takes it after each merge and at least
// every minute. A rule that fails becomes an incident of kind error and stops none of the others.
// Needs an open Spi and the rights of the extension's owner; `at` is the clock.
#pragma once

#include <string>
#include <vector>

#include "core/table.hpp"
#include "monitor/rule/reading.hpp"

namespace kpi::monitor {

// One look at a time: two would tell twice. Taken before the look's snapshot by whoever wants it to
// be one (evaluate_rules takes it too).
void lock_rules();

struct Evaluated {
    int rules = 0;
    int firing = 0;                   // incidents that fire and speak for themselves
    int postponed = 0;                // rules whose outlooks are to be made first, by the next look
    int64_t next_change = INT64_MAX;  // when time alone may change one
};

// `making`: microseconds after which no further outlooks are made in this look, which would hold up
// whoever else waits for the worker: with each hour those of all rules are due. One rule's are made
// in any case.
Evaluated evaluate_rules(Timestamp at, std::int64_t making = INT64_MAX);
// What one rule says now. Nothing is written.
Reading try_rule(Rule rule, Timestamp at);

}  // namespace kpi::monitor
