// The facts of a source in the shape of its delta table: what the calling transaction has changed
// and not flushed, and the facts view aggregated over a range of days by the very code that
// captures, so that both agree on every row.
#pragma once

#include "engine/capture/accumulator.hpp"

namespace kpi::capture {

// SETOF <delta row type>: appends to the tuplestore of the SRF. Empty on a standby.
void pending_rows(Oid delta, Tuplestorestate *store, TupleDesc descriptor);
// `days`: a datemultirange. A key may come more than once. Uses the active snapshot; reads as the
// view's owner. Errors: 42704 when the delta belongs to no source, 0A000 for window capture.
void facts_rows(Oid delta, Datum days, Tuplestorestate *store, TupleDesc descriptor);

}  // namespace kpi::capture
