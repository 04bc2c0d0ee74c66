// Rows in the shape of a source's delta table, made from accumulator entries. The delta table has
// no index and no user trigger, so rows go in by heap_insert.
#pragma once

#include "engine/capture/accumulator.hpp"

namespace kpi::capture {

// Which delta column holds what, by column name (d1, m2, m2_nan, ...).
class DeltaShape {
public:
    DeltaShape(TupleDesc descriptor, int measures);
    // Whether the table has the columns of a source with so many dimensions, counted measures and
    // measures, in order, and no other: registry and tables can contradict each other (half a
    // restore, a change by hand), and what is filled by position must not be trusted then.
    static bool fits(TupleDesc descriptor, int dimensions, int counted, int measures);
    // Fills one row; memory from the current context.
    void fill(Entry *entry, Datum *values, bool *nulls) const;
    int columns() const { return descriptor_->natts; }

private:
    TupleDesc descriptor_;
    int measures_;
};

// The value at *at of a key's bytes, which moves on; memory from the current context.
Datum read_value(const char **at, const FormData_pg_attribute &attribute, bool *null);

// Raises 55000 unless the registry and the delta table fit.
void require_shape(TupleDesc descriptor, const Source &source);

// Writes the entries to the delta table in the current subtransaction and clears them. The writer
// holds the delta's lock since its first row. A delta that this transaction dropped is skipped; one
// that it changed by hand makes the source dirty.
void write_changes(Changes *changes);
// Appends the failures to kpi.capture_error, which has no index, so that no writer waits for
// another.
void write_failures(Level *level);

}  // namespace kpi::capture
