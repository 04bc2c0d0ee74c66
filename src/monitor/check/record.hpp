// What follows from an outcome: history, state, incidents. And which check is due. Needs an open
// Spi and the rights of the extension's owner.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "monitor/check/measure.hpp"

namespace kpi::monitor {

using Measured = std::pair<Check, Outcome>;

// All of them in one transaction: states first, then incidents, each in the order of their names,
// so that two who do this at once wait for each other and nothing else.
void record(const std::vector<Measured> &measured);

struct DueCheck {
    Check check;
    bool died = false;  // the process that ran it last did not live to say what came of it
};
// Takes the check that has been due for longest, so that nobody else does; committed before it is
// run. nullopt: none is due.
std::optional<DueCheck> take_due_check();

// After a check was removed or switched off: its incident ends, unless others keep it open.
void let_go(const Check &check);
// Deletes results past kpi.check_retention; true: there are more.
bool forget_old_results();

}  // namespace kpi::monitor
