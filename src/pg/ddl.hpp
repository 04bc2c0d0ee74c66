// A DDL command as an event trigger sees it, as plain data: what the parse tree tells and the SQL
// functions pg_event_trigger_ddl_commands() and pg_event_trigger_dropped_objects() do not.
#pragma once

#include <string>
#include <vector>

#include "core/table.hpp"

struct FunctionCallInfoBaseData;

namespace kpi::pg {

struct Ddl {
    enum class Rename { none, column, trigger };

    std::string tag;  // "ALTER TABLE", ...
    // ALTER TABLE sub-commands
    bool attach = false, detach = false, persistence = false, row_security = false, owner = false,
         inherit = false;
    bool detach_concurrently = false;
    ObjectId target;  // ALTER TABLE or VIEW, CREATE OR REPLACE VIEW or RULE: the relation it is for
    std::vector<std::string> triggers;  // switched on or off; an empty name: ALL or USER
    Rename rename = Rename::none;
    ObjectId renamed;  // the relation
    std::string old_name, new_name;
    bool cascade = false;
    bool adds_enum_value = false;  // ALTER TYPE ... ADD VALUE: no row changes its meaning
    // DROP: relations that exist (views, tables), or names (schemas, extensions)
    std::vector<ObjectId> relations;
    std::vector<std::string> names;
};

// Throws 39P03 unless called by the event trigger manager.
Ddl read_ddl(FunctionCallInfoBaseData *fcinfo);
// True while the script of this extension runs; scripts of others may replace what views use.
bool in_own_script();

}  // namespace kpi::pg
