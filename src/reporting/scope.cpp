#include "reporting/scope.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "pg/formula.hpp"
#include "pg/sql.hpp"
#include "report/words.hpp"

namespace kpi::reporting {
namespace {

constexpr pg::Options kSnapshot{.access = pg::Access::read_only};
constexpr size_t kDimensions = 2;

const std::vector<Scope::Column> &old_columns() {
    static const std::vector<Scope::Column> columns = {
        {"leads", "leads"},
        {"conversion_pct", "conversion_pct"},
        {"revenue", "revenue"},
        {"payments_count", "payments"},
        {"payments_success_rate", "payments_success_rate"},
    };
    return columns;
}

// What people look for first, first.
size_t rank(const std::string &metric) {
    static constexpr std::array<std::string_view, 5> kFirst = {"revenue", "leads", "conversion_pct",
                                                               "payments", "payments_success_rate"};
    return size_t(std::find(kFirst.begin(), kFirst.end(), metric) - kFirst.begin());
}

std::vector<std::string> readable_metrics() {
    std::vector<std::string> names;
    for (const Row &row :
         pg::query("SELECT DISTINCT q.metric COLLATE \"C\" FROM kpi.query(NULL, "
                   "'yesterday', max_rows => NULL, expected => false) q ORDER BY 1",
                   {}, kSnapshot)
             .rows)
        names.push_back(*row[0]);
    if (names.empty())
        throw Error("55000", "there is no metric that you may read", {},
                    "kpi.track makes a source, and a metric of each of its measures.");
    return names;
}

report::Better better(const std::string &good) {
    if (good == "up") return report::Better::more;
    return good == "down" ? report::Better::less : report::Better::neither;
}

}  // namespace

Scope everything() {
    Scope out;
    out.metrics = readable_metrics();
    const auto known = [&](const std::string &metric) {
        return std::find(out.metrics.begin(), out.metrics.end(), metric) != out.metrics.end();
    };
    for (const Scope::Column &column : old_columns())
        out.columns.push_back({column.title, known(column.metric) ? column.metric : ""});
    if (std::all_of(out.columns.begin(), out.columns.end(),
                    [](const Scope::Column &column) { return column.metric.empty(); })) {
        out.columns.clear();
        for (const std::string &metric : out.metrics) out.columns.push_back({metric, metric});
    }
    std::stable_sort(out.metrics.begin(), out.metrics.end(),
                     [](const std::string &a, const std::string &b) { return rank(a) < rank(b); });
    return out;
}

Scope these(const std::vector<std::string> &metrics) {
    Scope out;
    out.metrics = metrics;
    for (const std::string &metric : metrics) out.columns.push_back({metric, metric});
    return out;
}

std::string titled(std::string name) {
    std::replace(name.begin(), name.end(), '_', ' ');
    return report::capitalised(std::move(name));
}

void describe(const Scope &scope, report::Document &document) {
    for (const Row &row : pg::query(R"(
            SELECT m.name, m.unit, m.good, m.formula, m.description, m.currency, m.decimals
              FROM kpi.metric m JOIN ROWS FROM (pg_catalog.unnest($1)) WITH ORDINALITY w(name, place) ON w.name = m.name
             ORDER BY w.place)",
                                    {scope.metrics}, kSnapshot)
                              .rows) {
        document.metrics.push_back(
            {*row[0], titled(*row[0]),
             format_of(row[1].value_or(""), row[5].value_or(""), row[6] ? std::stoi(*row[6]) : -1),
             better(*row[2])});
        document.definitions.push_back({*row[0], *row[3], row[4].value_or("")});
    }
}

report::Format format_of(const std::string &unit, const std::string &currency, int decimals) {
    report::Format out;
    out.decimals = decimals;
    const bool is_code = unit.size() == 3 && std::all_of(unit.begin(), unit.end(), [](char c) {
                             return c >= 'A' && c <= 'Z';
                         });
    if (unit == "%") {
        out.style = report::Style::percent;
    } else if (!currency.empty() || is_code) {
        out.style = report::Style::money;
        out.unit = currency.empty() ? unit : currency;
    } else {
        out.unit = unit;
    }
    return out;
}

std::vector<std::string> dimensions_of(const Scope &scope, const std::string &metric) {
    if (!scope.by.empty()) return scope.by;
    std::vector<std::string> all, out;
    for (const Row &row : pg::query(R"(
            SELECT d.name FROM (SELECT name, source FROM kpi.measure UNION ALL SELECT name, source FROM kpi.counted) m
              JOIN kpi.source s ON s.name = m.source
             CROSS JOIN ROWS FROM (pg_catalog.unnest(s.dimensions)) WITH ORDINALITY d(name, place)
             WHERE m.name = $1 ORDER BY d.place)",
                                    {metric}, kSnapshot)
                              .rows)
        all.push_back(*row[0]);
    for (const char *usual : {"source", "country"})
        if (std::find(all.begin(), all.end(), usual) != all.end()) out.emplace_back(usual);
    if (out.empty())
        out.assign(all.begin(), all.begin() + int64_t(std::min(all.size(), kDimensions)));
    return out;
}

std::vector<std::string> measures_of(const std::string &metric) {
    std::vector<std::string> names{metric}, out;
    for (size_t i = 0; i < names.size(); ++i)
        for (const Row &row : pg::query("SELECT formula, measure FROM kpi.metric WHERE name = $1",
                                        {names[i]}, kSnapshot)
                                  .rows) {
            if (row[1]) {
                out.push_back(*row[1]);
                continue;
            }
            for (const pg::FormulaName &used : pg::formula_names(*row[0]))
                if (std::find(names.begin(), names.end(), used.name) == names.end())
                    names.push_back(used.name);
        }
    return out;
}

bool is_counted(const std::string &metric) {
    return pg::value("SELECT 1 FROM kpi.counted WHERE name = ANY ($1) LIMIT 1",
                     {measures_of(metric)}, kSnapshot)
        .has_value();
}

}  // namespace kpi::reporting
