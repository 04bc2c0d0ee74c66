// worker: the moving part. Sees engine/ and pg/; nobody sees it but entry/. It decides what runs
// when, in which transaction, and what an error means; what is run stands in engine/.
//
// Steps: one step is one transaction. It begins by locking the extension against DROP (first in the
// lock order) and ends by a commit; in the worker it is a transaction of its own, in CALL
// kpi.work() a committed part of the procedure.
#pragma once

#include <functional>

#include "core/error.hpp"
#include "pg/sql.hpp"

namespace kpi::worker {

class Steps;

// Bounds the time of each step in a scope, in milliseconds; 0: no limit.
class Limited {
public:
    Limited(Steps &steps, int64_t milliseconds);
    ~Limited();
    Limited(const Limited &) = delete;
    Limited &operator=(const Limited &) = delete;

private:
    Steps &steps_;
};

class Steps {
public:
    // Of a background process.
    Steps() = default;
    // Of a procedure: `procedure` is its non-atomic connection.
    explicit Steps(pg::Spi &procedure) : procedure_(&procedure) {}

    // Runs `body` with an open Spi, as the extension's owner. An error rolls the step back and is
    // thrown on.
    void run(const std::function<void()> &body) { run({}, body); }
    // Likewise, and everything in `body` sees one snapshot, taken after `locks` were taken. Errors:
    // also 40001, of what somebody else has written since: to be run again.
    void run_on_one_snapshot(const std::function<void()> &locks,
                             const std::function<void()> &body) {
        run(locks, body);
    }
    // Time that each of the following steps may take, in milliseconds; 0: no limit. Background
    // process only: in a procedure the session's own timeouts count.
    void limit(int64_t milliseconds) { limit_ = milliseconds; }
    // A procedure in somebody's session, not a process of its own.
    bool by_hand() const { return procedure_ != nullptr; }
    // The extension was dropped: every further step throws 42704.
    bool gone() const { return gone_; }
    // NOTIFY kpi_refresh came since the last call (background process only).
    bool take_doorbell();

private:
    using Part = std::function<void()>;
    // `locks`: empty when each statement may see what is there by then.
    void run(const Part &locks, const Part &body);
    void in_process(const Part &locks, const Part &body);
    void in_procedure(const Part &locks, const Part &body);
    void hold_extension();

    pg::Spi *procedure_ = nullptr;
    int64_t limit_ = 0;
    bool gone_ = false;
    bool doorbell_ = false;
};

}  // namespace kpi::worker
