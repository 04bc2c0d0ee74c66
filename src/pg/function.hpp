// Arguments and results of an SQL function as plain data, for the entry room (KPI_FUNCTION is in
// guard.hpp). Errors: 22004 for an argument or array element that must not be NULL.
#pragma once

#include "pg/guard.hpp"
#include "pg/sql.hpp"

namespace kpi::pg {

std::string text_argument(FunctionCallInfo fcinfo, int index);
std::optional<std::string> optional_text(FunctionCallInfo fcinfo, int index);
// text[] or name[]; NULL elements refused
std::vector<std::string> text_array(FunctionCallInfo fcinfo, int index);
// any type, through its output function
std::optional<std::string> output_text(FunctionCallInfo fcinfo, int index);
// bytea, jsonb, an array or another type of variable length: its content as it is in memory
std::optional<std::string> bytes_argument(FunctionCallInfo fcinfo, int index);
Datum text_datum(std::string_view text);
Datum jsonb_datum(const std::string &text);    // errors: 22P02
Datum numeric_datum(const std::string &text);  // errors: 22P02

}  // namespace kpi::pg
