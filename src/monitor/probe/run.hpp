// Running a probe: its plan, then its time, as its owner, read-only, within kpi.check_timeout.
// Needs an open Spi and the rights of the extension's owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "monitor/probe/definition.hpp"
#include "pg/safely.hpp"

namespace kpi::monitor {

struct ProbeRun {
    double milliseconds = 0;
    int64_t rows = 0;
    std::string plan;  // JSON
    std::optional<pg::Mishap> mishap;

    bool is_slow(const Probe &probe) const {
        return mishap ? mishap->over : milliseconds > probe.slow;
    }
    // Neither fast nor slow: it could not be run.
    bool is_error() const { return mishap && !mishap->over; }
};

ProbeRun run_probe(const Probe &probe);

}  // namespace kpi::monitor
