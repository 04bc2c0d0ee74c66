// The registry as the trigger must see it: with the latest snapshot, never the transaction's,
// because a REPEATABLE READ writer older than kpi.track would not find its source and lose rows.
#pragma once

#include "pg/prelude.hpp"

namespace kpi::capture {

constexpr int kMaxDimensions = 12;

// One source, in the memory context that was current. Names are those of the facts view's columns.
struct Source {
    const char *name;
    Oid facts, base, delta;
    const char *time_column;
    const char *timezone;
    int dimensions, measures, counted;
    const char **dimension_names;
    const char **measure_names;
    const char **counted_columns;  // by position
    double *counted_errors;        // likewise; of percentiles, 0 of others
    bool *counted_timed;           // likewise; of first and last
};

// Null when no trigger source of that name is registered.
Source *find_source(const char *name);
// The source whose delta table has this OID; null when there is none.
Source *find_source_of_delta(Oid delta);

Oid registry_table(const char *name);  // kpi.<name>; raises when the extension is gone
// kpi_data.<source>_<suffix>, or InvalidOid
Oid data_table(const char *source, const char *suffix);

// Inserts a dirty mark over everything, with the rights of the extension, in the current
// subtransaction.
void mark_all_dirty(const char *source, const char *why);

}  // namespace kpi::capture
