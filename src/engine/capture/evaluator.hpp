// Evaluates a facts view's own expressions, taken from its stored query tree, on a row of the base
// table. Expressions are prepared and evaluated as the view's owner in a restricted context. A row
// for which any expression raises a data error contributes nothing (capture, build, rebuild and
// verify share this code).
#pragma once

#include "engine/capture/kept_key.hpp"
#include "engine/capture/local_hours.hpp"
#include "engine/capture/row_error.hpp"
#include "engine/view/captured_source.hpp"
#include "pg/decimal.hpp"

namespace kpi::capture {

using ::int128;
using pg::Decimal;
using pg::Sum;

// The columns of a delta row that tell it from others, as bytes: dimensions, then the values of
// counted measures.
struct Key {
    char *bytes;
    int length, room;
};

// What one base row adds: the bucket, its segment, the measures; and for every counted measure that
// has a value the segment with that value, where only the row counts.
struct Contribution {
    bool present = false;
    bool too_large = false;  // a measure is beyond what sums can hold
    TimestampTz at = 0;
    LocalHour bucket{};
    Key key{};
    Key *values = nullptr;  // by counted measure; length 0: none
    Decimal *measures = nullptr;
};

struct DimensionType {
    int16 length;
    bool by_value;
};

struct Evaluator {
    MemoryContext context;
    Source *source;
    Oid owner;
    Oid time_type;
    DimensionType *key_types;  // of the dimensions, then of the counted measures
    KeptKey *kept;             // of the counted measures
    Oid *measure_types;
    MeasureKind *measure_kinds;
    EState *estate;
    ExprContext *econtext;
    ExprState *qual, *time;
    ExprState **keys, **measures;
    // dimensions (bits) that a reader adds up over, and counted measures (the bits after them) that
    // nobody asks for: evaluated, but not told apart
    uint32 left_out;
    AttrNumber *used;  // attributes of the slot the expressions read
    int used_count;
    bool can_raise;      // needs the guard (a subtransaction) for each row
    bool has_functions;  // code of users may run: as its owner, and so that nothing of it stays
    LocalHours calendar;
    Contribution before, after;
};

// Compiles the view's expressions for rows whose attribute numbers are those of the base table
// mapped through `map` (null: as they are). Allocates in a child of `parent`. Raises when the view
// cannot be captured any more.
Evaluator *prepare(Source *source, const AttrMap *map, MemoryContext parent);
void release(Evaluator *evaluator);

// Evaluates one row into `out`; raises what the expressions raise. Runs as the view's owner.
void evaluate(Evaluator *evaluator, TupleTableSlot *slot, Contribution *out);
// The same behind a guard: a data error makes the row contribute nothing and is returned (in the
// current context); cancel, timeout, resource and serialization errors are rethrown.
ErrorData *evaluate_guarded(Evaluator *evaluator, TupleTableSlot *slot, Contribution *out);

// True when no attribute that the expressions read differs between the two rows.
bool same_inputs(const Evaluator *evaluator, TupleTableSlot *before, TupleTableSlot *after);

// Runs f in a subtransaction; returns its error (copied into the current context) or null. For
// PostgreSQL's regime.
template <class F>
ErrorData *guarded(F f) {
    MemoryContext const home = CurrentMemoryContext;
    ResourceOwner const owner = CurrentResourceOwner;
    ErrorData *volatile failure = nullptr;
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(home);
    PG_TRY();
    {
        f();
        ReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(home);
        CurrentResourceOwner = owner;
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(home);
        failure = CopyErrorData();
        FlushErrorState();
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(home);
        CurrentResourceOwner = owner;
    }
    PG_END_TRY();
    return failure;
}

}  // namespace kpi::capture
