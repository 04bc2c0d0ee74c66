// The chores of a database: checks, probes, jobs, publications, announcements and histories that
// are due. The steward runs them, and CALL kpi.work(). One that fails, hangs or kills its process
// never stops the others: each is taken (a transaction), run within a time of its own (another),
// and recorded (a third).
#pragma once

#include <array>
#include <cstdint>

#include "worker/steps.hpp"

namespace kpi::worker {

// One kind of chores: runs the next one that is due; false: none is. Another kind is a line in
// kChores of chores.cpp.
struct Chore {
    const char *name;
    bool (*run_next)(Steps &steps);
};

class Chores {
public:
    explicit Chores(Steps &steps) : steps_(steps) {}
    // One of each kind in turn, until nothing is due. Throws only when the extension is gone.
    // `go_on`: asked before each.
    void run_due(bool (*go_on)());

private:
    static constexpr int kKinds = 6;
    bool run_one(int kind);
    // Deletes results past their retention, now and then.
    void forget_old();

    Steps &steps_;
    std::array<int, kKinds> failures_{};
    std::array<int64_t, kKinds> not_before_{};
    int64_t forget_at_ = 0;
};

}  // namespace kpi::worker
