// What a planned query reads, as SQL statements with their parameters: they only scan; rows are
// summed as they come (pg/sums.hpp), the rest is done over arrays (grid.hpp). Values are bound,
// never written into the text, so equal shapes share a kept plan; what is written are names from
// the registry, quoted.
#pragma once

#include <string>
#include <vector>

#include "engine/query/filter.hpp"
#include "engine/query/plan.hpp"
#include "engine/registry/metrics.hpp"
#include "pg/sums.hpp"

namespace kpi::engine {

// A source as a query uses it.
struct SourceUse {
    SourceInfo info;
    SourceDays days;
    std::string dirty_text;             // datemultirange
    std::vector<MeasureInfo> measures;  // those that the metrics need
    std::vector<CountedInfo> counted;   // likewise
};

// Metrics of one owner and zone, which one statement answers.
struct Group {
    std::vector<Metric> metrics;
    std::vector<SourceUse> sources;
    std::vector<Filter> filters;
    std::vector<std::string> by;
};

// The level of a source that tells the dimensions of these bits apart: the total, one, or all.
int level_with(const SourceInfo &source, int bits);

// The 0-based place of a dimension. Errors: 22023, with those that the source has.
int require_dimension(const SourceInfo &source, const std::string &name);

struct Statement {
    std::string sql;
    Params params;
    pg::SumColumns columns;  // of cells_statement
};

// Where the values of a source and a measure stand in a group's cells, 0-based: by source the sums,
// then the counted measures.
size_t source_place(const Group &group, const std::string &source);
size_t measure_place(const Group &group, const std::string &measure);
// The counted measure of a metric of the group that adds up least: a level before a first or last
// value, whose segments do, before a distinct count; null: its measures add up.
const CountedInfo *counted_measure(const Group &group, const Metric &metric);

// Every row that counts: its read, the dimensions of its segment, its count and measures. Which
// reads a row counts in is all that SQL is told about buckets. sql is empty when nothing is read.
// Errors: 22023 for a dimension that a source lacks.
Statement cells_statement(const Group &group, const Plan &plan);

// Which reads have any rows, whatever the filters: read int4, for every source bool. sql is empty
// when nothing is read.
Statement presence_statement(const Group &group, const Plan &plan);

}  // namespace kpi::engine
