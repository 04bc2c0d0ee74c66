// Runs the jobs that are due, one after the other: each run is claimed in one transaction,
// performed in the next ones as the job's owner, and settled with what it did. One of the
// steward's chores; CALL kpi.work() and kpi.run_due() do the same in the caller's session.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "monitor/schedule/ledger.hpp"
#include "worker/steps.hpp"

namespace kpi::worker {

class Timetable {
public:
    explicit Timetable(Steps &steps) : steps_(steps) {}
    // Enters what has become due and performs at most one run; true: there may be another. Throws
    // only when the extension is gone, the tables cannot be read, or the caller was cancelled.
    bool run_next(const std::optional<std::string> &job = std::nullopt);

private:
    void perform(const monitor::Run &run);
    void refresh(const monitor::Run &run);
    bool refresh_one(const monitor::Run &run, const std::string &view, bool analyze);
    void failed(const monitor::Run &run, const Error &error);

    Steps &steps_;
};

}  // namespace kpi::worker
