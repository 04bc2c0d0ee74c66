// kpi.status(): what the worker does, and what waits for it, as jsonb. Reads only; works on a
// standby and without a worker.
#pragma once

#include <string>

#include "core/table.hpp"

namespace kpi::worker {

// Needs an open Spi; reads as the extension's owner, in the caller's snapshot. `caller` sees the
// error texts of sources whose facts view it may SELECT: they can quote data.
std::string status(ObjectId caller);

}  // namespace kpi::worker
