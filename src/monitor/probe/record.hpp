// What follows from a run of a probe: history, plan, the server's log, incidents. And which one is
// due. Needs an open Spi and the rights of the extension's owner.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "monitor/probe/run.hpp"

namespace kpi::monitor {

// In the order of their names; states first, then incidents.
void record(const std::vector<std::pair<Probe, ProbeRun>> &runs);

struct DueProbe {
    Probe probe;
    bool died = false;  // the process that ran it last did not live to say what came of it
};
// As take_due_check.
std::optional<DueProbe> take_due_probe();

// After a probe was removed or switched off: its incidents end.
void let_go(const Probe &probe);
// Deletes runs past kpi.check_retention; true: there are more.
bool forget_old_runs();

}  // namespace kpi::monitor
