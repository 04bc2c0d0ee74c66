// engine/query: everything that reads. A query is planned on plain calendar values (which days and
// hours of which source count for which bucket), written as one SQL statement over the rollups,
// deltas, own changes and dirty ranges, and run as the owner of the metric. Writes nothing, takes
// no lock above AccessShare, works on a hot standby.
//
// This file: the text of a source's typed views kpi_data.<source>_daily and _hourly: the full
// segments with the real names of dimensions and measures, as fresh as kpi.query. Columns: day,
// [hour,] dimensions, row_count, measures; counted measures, which do not add up, are not there.
// Predicates on day, hour and dimensions reach the branches (the grouping columns are plain
// columns, nothing in between is volatile), so a month of one country reads a month of the rollup.
#pragma once

#include <string>

#include "engine/registry/source_info.hpp"

namespace kpi::engine {

enum class ViewGrain { day, hour };

// The SELECT for CREATE VIEW, without a final semicolon. The tables and the kpi._* functions must
// exist.
std::string typed_view_sql(const SourceInfo &source, ViewGrain grain);

}  // namespace kpi::engine
