// engine: sources, their capture, rollups and queries; the product on PostgreSQL. Its folders:
// capture/ the hot path in the writers, rollup/ what keeps the sums true, query/ how they are read.
//
// The three tables of a source in kpi_data: delta, day rollup, hour rollup (layout:
// docs/design.md). Created by kpi.track, dropped by kpi.untrack. Needs an open Spi. Everything runs
// as the extension's owner, who owns the tables; the owner of the source gets SELECT, INSERT,
// UPDATE, DELETE and nothing else (no TRIGGER: it would run as whoever merges).
#pragma once

#include <string>
#include <vector>

#include "core/measure.hpp"
#include "core/table.hpp"

namespace kpi::engine {

struct NewDimension {
    std::string name;  // column of the facts view, for the comment
    // SQL text, the base type of a domain: format_type(); trusted, not quoted again
    std::string type;
    std::string collation;  // SQL text, schema-qualified and quoted; empty: type has none
};

struct NewMeasure {
    std::string name;
    MeasureKind kind = MeasureKind::numeric;
};

struct NewCounted {
    std::string name;  // of the measure
    CountedKind kind = CountedKind::distinct;
    int position = 0;  // of its column among those whose values are kept, from 1
};

// A column whose values are kept; with an error the numbers of their buckets (core/sketch.hpp),
// timed: each with the time of its row.
struct NewKept {
    NewDimension value;
    double error = 0;
    bool timed = false;
};

struct NewSource {
    std::string name;  // checked by kpi.source: lower case, at most 40 characters
    std::vector<NewDimension> dimensions;
    std::vector<NewMeasure> measures;
    std::vector<NewKept> kept;
    ObjectId owner;  // of the facts view
};

// Errors: 42883 when a dimension's or kept column's type has no hash or no equality function;
// PostgreSQL's own otherwise.
void create_tables(const NewSource &source);
// A column more at the end of every table, for a measure or a kept column of this position. The
// indexes of the rollups stay as they are.
void add_column(const std::string &source, int position, const NewMeasure &measure);
void add_column(const std::string &source, int position, const NewKept &kept);
// Makes the indexes of the rollups anew that lack the last kept column: without it a merge would
// look at every value of a day. Errors: 55P03 when a table stays locked by readers.
void fit_indexes(const std::string &source, size_t dimensions, size_t kept);
// Drops the typed views and tables that exist; the caller holds the locks of the project's order.
void drop_tables(const std::string &source);

// Names in kpi_data, quoted and schema-qualified: suffix is delta, rollup_day, rollup_hour, daily
// or hourly.
std::string data_table(const std::string &source, const std::string &suffix);

}  // namespace kpi::engine
