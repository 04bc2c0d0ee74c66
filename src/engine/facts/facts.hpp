// The facts of a source in the shape of its delta table: what the calling transaction has changed
// and not flushed, and the facts view aggregated over a range of days by the very code that
// captures, so that both agree on every row.
#pragma once

#include "engine/capture/accumulator.hpp"

namespace kpi::capture {

// SETOF <delta row type>: appends to the tuplestore of the SRF. Empty on a standby. Errors: as
// readable_source().
void pending_rows(Oid delta, Tuplestorestate *store, TupleDesc descriptor);
// The source of a delta table, if the current user may read it. Errors: 42704 when the delta
// belongs to no source, 42501.
Source *readable_source(Oid delta);
// What of a source: local days (a datemultirange) or instants (a tstzmultirange).
enum class Span { days, instants };
// What reads the facts: sees the contribution of each row, in no order, inside the executor.
using FactVisitor = void (*)(void *self, const Contribution &row);
// All facts of a span of a source with trigger capture, one by one, by the active snapshot; reads
// as the view's owner, through an index on the time column where that is a plain column of the
// table.
void each_fact(Source *source, Span span, Datum multirange, FactVisitor visit, void *self);
// Of a source with trigger capture. `dimensions`: bits of those that are told apart; the others are
// added up over, their columns NULL. The bits after them: counted measures whose values are wanted.
// A key may come more than once. Reads as each_fact() does.
void facts_rows(Source *source, Span span, Datum multirange, int32 dimensions,
                Tuplestorestate *store, TupleDesc descriptor);

}  // namespace kpi::capture
