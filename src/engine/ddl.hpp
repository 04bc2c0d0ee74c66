// What DDL does to tracked tables and views, seen by event triggers in the transaction of the DDL:
// contents that change without row triggers become dirty marks, changes that capture cannot follow
// are refused with the mend, renames are followed. Needs an open Spi; elevates itself, because
// event triggers run as whoever runs the DDL.
#pragma once

#include "pg/ddl.hpp"

namespace kpi::engine {

// ddl_command_start of DROP: takes the locks in the project's order before PostgreSQL takes them in
// its own.
void before_drop(const pg::Ddl &ddl);
// ddl_command_end.
void after_ddl(const pg::Ddl &ddl);
// sql_drop.
void after_drop(const pg::Ddl &ddl);

}  // namespace kpi::engine
