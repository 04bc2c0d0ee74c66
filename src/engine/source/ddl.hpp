// What DDL does to tracked tables and views, seen by event triggers in the transaction of the DDL:
// contents that change without row triggers become dirty marks, changes that capture cannot follow
// are refused with the mend, renames are followed. Needs an open Spi; elevates itself, because
// event triggers run as whoever runs the DDL.
#pragma once

#include "pg/ddl.hpp"

namespace kpi::engine {

// ddl_command_start. DROP: takes the locks in the project's order before PostgreSQL takes them in
// its own. A facts view that is replaced or altered is locked in short tries. DETACH PARTITION
// CONCURRENTLY marks in its first transaction.
void before_ddl(const pg::Ddl &ddl);
// ddl_command_end.
void after_ddl(const pg::Ddl &ddl);
// sql_drop.
void after_drop(const pg::Ddl &ddl);

}  // namespace kpi::engine
