#include "reporting/restated.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::reporting {
namespace {

constexpr pg::Options kSnapshot{.access = pg::Access::read_only};

// The dimensions of the filters, as kpi.history has them.
std::vector<std::string> dimensions(const Scope &scope) {
    std::vector<std::string> out;
    const auto filters = nlohmann::json::parse(scope.filters);
    for (const auto &[name, value] : filters.items()) out.push_back(name);
    std::sort(out.begin(), out.end());
    return out;
}

// Whoever may read the metric may know what it was; most metrics have no history.
bool has_history(const std::string &metric, const std::vector<std::string> &by, const char *grain) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    return pg::value(
               "SELECT 1 FROM kpi.history WHERE (metric, grain, \"by\") = ($1, $2, "
               "$3::pg_catalog.text[]::pg_catalog.name[])",
               {metric, std::string(grain), by}, kSnapshot)
        .has_value();
}

}  // namespace

void say_restated(const Scope &scope, Date from, Date to, const char *grain,
                  report::Document &document) {
    const bool is_month = std::string_view(grain) == "month";
    const std::vector<std::string> by = dimensions(scope);
    for (const report::Metric &metric : document.metrics) {
        if (!has_history(metric.name, by, grain)) continue;
        // A bucket may begin up to a day apart from UTC's: the days themselves are kpi.query's.
        const Table found = pg::query(
            R"(
            WITH seen AS MATERIALIZED (
                SELECT r.bucket, r.first_seen, r.change_pct
                  FROM kpi.restatements($1, ($3::pg_catalog.timestamp - interval '1 day') AT TIME ZONE 'UTC', $5::pg_catalog.text[]::pg_catalog.name[], $6) r
                 WHERE r.segment = $2)
            SELECT q.day, pg_catalog.trim_scale(pg_catalog.round(s.first_seen::pg_catalog.numeric, 10)), pg_catalog.trim_scale(pg_catalog.round(q.value, 10))
              FROM seen s JOIN kpi.query(ARRAY[$1], $3, $4, filters => $2, grain => $6, max_rows => NULL, expected => false) q ON q.bucket = s.bucket
             ORDER BY pg_catalog.abs(s.change_pct) DESC NULLS LAST, q.day DESC)",
            {metric.name, Json{scope.filters}, iso(from), iso(to), by, std::string(grain)},
            kSnapshot);
        if (found.empty()) continue;
        const Row &most = found.rows[0];
        const Date day = parse_date(*most[0]);
        const report::Period period{day, is_month ? add_months(day, 1) + -1 : day};
        report::Phrase said{found.rows.size() == 1 ? "restated"
                            : is_month             ? "restated_months"
                                                   : "restated_days",
                            {{"count", int64_t(found.rows.size())},
                             {"metric", report::title_of(metric)},
                             {"period", period},
                             {"before", report::Amount{most[1].value_or("NaN"), metric.format,
                                                       report::Length::whole}},
                             {"value", report::Amount{most[2].value_or("NaN"), metric.format,
                                                      report::Length::whole}},
                             {"change", report::Change{most[2], most[1], metric.format.style}}}};
        document.notes.emplace_back(std::move(said));
    }
}

}  // namespace kpi::reporting
