// What a report is about: its metrics and filters, and how metrics are shown. Needs an open Spi and
// the rights of whoever the report is for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/document.hpp"

namespace kpi::reporting {

// A SELECT of a user's own.
struct OwnSql {
    std::string sql;
    int64_t max_rows = 10'000;
};

struct Scope {
    std::string title;                 // empty: the usual
    std::vector<std::string> metrics;  // of kpi.metric, all of them readable
    std::string filters = "{}";        // as of kpi.query
    std::vector<std::string> by;       // dimensions of rankings; empty: source and country, or the
                                       // first two there are
    int top = 5;
    // The report of the old stack: its CSV has exactly these columns, empty without a metric.
    struct Column {
        std::string title, metric;
    };
    std::vector<Column> columns;
    std::optional<OwnSql> own;  // then nothing of the above counts
};

// Every metric that the current role may read, the old stack's first. Errors: 55000 when there is
// none.
Scope everything();
// Those asked for, a column each.
Scope these(const std::vector<std::string> &metrics);

// A name of the database's as a title: "Payments success rate".
std::string titled(std::string name);
// Names, units and definitions of the scope's metrics, for the document.
void describe(const Scope &scope, report::Document &document);
// Money where there is a currency, or the unit looks like one (EUR); per cent for %.
report::Format format_of(const std::string &unit, const std::string &currency, int decimals);
// The dimensions to rank a metric by.
std::vector<std::string> dimensions_of(const Scope &scope, const std::string &metric);

// The measures that a metric is made of, by itself or through other metrics.
std::vector<std::string> measures_of(const std::string &metric);
// Over values that are counted once (aggregates of kpi.track): it neither adds up nor is it a rate.
bool is_counted(const std::string &metric);

}  // namespace kpi::reporting
