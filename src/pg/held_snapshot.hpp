// One snapshot for several statements, taken now, in any isolation level: for work that took a lock
// first and must see everything committed before it was granted, and all of it at one time.
#pragma once

#include <cstdint>
#include <string_view>

#include "pg/sql.hpp"

namespace kpi::pg {

// Read-only statements in its scope see this snapshot. On an exception the (sub)transaction's abort
// ends it. Needs an open Spi.
class HeldSnapshot {
public:
    HeldSnapshot();
    ~HeldSnapshot();
    HeldSnapshot(const HeldSnapshot &) = delete;
    HeldSnapshot &operator=(const HeldSnapshot &) = delete;
    // A statement that writes, without parameters, by this snapshot; the number of rows.
    int64_t execute(std::string_view sql) const;

private:
    int exceptions_;
};

}  // namespace kpi::pg
