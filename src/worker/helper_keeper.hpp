// The worker keeps the helpers of its database: starts one where there is something for it to do,
// and the next one when it has ended, after a pause that grows while they fail.
#pragma once

#include <cstdint>
#include <optional>

#include "pg/process.hpp"
#include "worker/steps.hpp"

namespace kpi::worker {

class HelperKeeper {
public:
    HelperKeeper(Steps &steps, pg::Helper helper) : steps_(steps), helper_(helper) {}
    void keep();

private:
    bool wanted();

    Steps &steps_;
    pg::Helper helper_;
    std::optional<pg::Process> process_;
    int failures_ = 0;
    int64_t started_at_ = 0, due_ = 0;
};

}  // namespace kpi::worker
