// The metrics of a request sorted into groups that one statement answers: same owner, same zone,
// same clock. Checks the caller's right on every facts view (kpi._dirty_days) before anything is
// read.
// Needs an open Spi.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/query/statement.hpp"

namespace kpi::engine {

constexpr pg::Options kRead{.access = pg::Access::read_only, .keep = pg::Keep::yes};

// A group with the clock that its metrics share: the snapshot's time, or when the oldest window was
// computed.
struct TimedGroup {
    Group group;
    ObjectId owner;
    std::string zone;
    Timestamp now;
};

// Without names: every metric that the caller may read and whose sources have the dimensions.
// `filters`: a JSON object. `now`: the clock, when it is not the snapshot's. Errors: 42704, 42501,
// 22023.
std::vector<TimedGroup> load_groups(const std::optional<std::vector<std::string>> &names,
                                    const std::vector<std::string> &by, const std::string &filters,
                                    const std::optional<Timestamp> &now = std::nullopt);

}  // namespace kpi::engine
