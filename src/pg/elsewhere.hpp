// Statements in another database of this server: a session sees its own only, so a process connects
// there, as a role of the caller's choice and with that role's rights, and runs them in one
// transaction. It has committed when run_elsewhere() returns, whatever becomes of the caller's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::pg {

// Errors: those raised there; 42501 for a role that may not log in, 53400 when max_worker_processes
// are all in use, 08006 when the process ended without an answer (it could not connect).
void run_elsewhere(const std::string &database, ObjectId role,
                   const std::vector<std::string> &statements);

// The main of the process; `letter`: what it was started with.
void answer_elsewhere(uint32_t letter);

}  // namespace kpi::pg
