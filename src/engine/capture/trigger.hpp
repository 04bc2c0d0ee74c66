// The capture trigger: AFTER INSERT OR UPDATE OR DELETE, FOR EACH ROW, ENABLE ALWAYS, on the base
// table of a source. Adds new minus old contribution to the transaction's accumulator. Does nothing
// but warn when the (relation or its root, trigger) pair is not the registered one, so that nobody
// can forge another's numbers.
#pragma once

#include "pg/prelude.hpp"

namespace kpi::capture {

constexpr const char *kTriggerPrefix = "kpi_capture_";  // + source: the row trigger
// + source: the TRUNCATE trigger of the root and every leaf
constexpr const char *kTruncatePrefix = "kpi_truncate_";

void register_invalidation();  // once, from _PG_init
Datum on_row(FunctionCallInfo fcinfo);
Datum on_truncate(FunctionCallInfo fcinfo);

}  // namespace kpi::capture
