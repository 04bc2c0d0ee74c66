// Parameters of a statement as SPI takes them.
#pragma once

#include "core/table.hpp"
#include "pg/guard.hpp"

namespace kpi::pg {

// Palloc'd in the context that was current.
struct Bound {
    int count = 0;
    Oid *types = nullptr;
    Datum *values = nullptr;
    char *nulls = nullptr;
};

Bound bind(const Params &params);

}  // namespace kpi::pg
