// The second and last list of PostgreSQL headers, beside prelude.hpp: what only bulk work needs,
// sorts that spill and index entries past the executor. Version shims of the same.
#pragma once

#include "pg/prelude.hpp"

extern "C" {
#include "catalog/index.h"
#include "utils/tuplesort.h"
}

namespace kpi::pg {

inline void insert_index_entries(ResultRelInfo *result, TupleTableSlot *slot, EState *estate) {
#if PG_VERSION_NUM >= 160000
    ExecInsertIndexTuples(result, slot, estate, false, false, nullptr, NIL, false);
#else
    ExecInsertIndexTuples(result, slot, estate, false, false, nullptr, NIL);
#endif
}

}  // namespace kpi::pg
