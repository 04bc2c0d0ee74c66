#include "reporting/currencies.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

#include "pg/sql.hpp"

namespace kpi::reporting {
namespace {

constexpr pg::Options kSnapshot{.access = pg::Access::read_only};

// Of the amounts of one measure.
struct Currencies {
    bool has_dimension = false;
    std::optional<std::string> own;
};

std::map<std::string, Currencies> load() {
    std::map<std::string, Currencies> out;
    for (const Row &row : pg::query(R"(
            SELECT x.name, m.currency,
                   -- whole numbers are counts
                   'currency' = ANY (s.dimensions) AND x.type NOT IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
              FROM kpi.measure x JOIN kpi.source s ON s.name = x.source JOIN kpi.metric m ON m.measure = x.name)",
                                    {}, kSnapshot)
                              .rows)
        out[*row[0]] = {row[2] == "t", row[1]};
    return out;
}

void collect(const Scope &scope, const std::string &measure, const Currencies &its, Date from,
             Date to, std::set<std::string> &out) {
    if (!its.has_dimension) {
        if (its.own) out.insert(*its.own);
        return;
    }
    for (const Row &row : pg::query(R"(
            SELECT DISTINCT coalesce(q.segment->>'currency', '–')
              FROM kpi.query(ARRAY[(SELECT m.name FROM kpi.metric m WHERE m.measure = $1)], $2, $3, filters => $4, by => '{currency}', grain => 'total',
                             max_rows => NULL, expected => false) q
             WHERE q.value <> 0)",
                                    {measure, iso(from), iso(to), Json{scope.filters}}, kSnapshot)
                              .rows)
        out.insert(*row[0]);
}

}  // namespace

void say_currencies(const Scope &scope, Date from, Date to, report::Document &document) {
    const std::map<std::string, Currencies> known = load();
    for (report::Metric &metric : document.metrics) {
        std::set<std::string> found;
        for (const std::string &measure : measures_of(metric.name))
            if (const auto its = known.find(measure); its != known.end())
                collect(scope, measure, its->second, from, to, found);
        if (found.size() < 2) continue;
        if (metric.format.style == report::Style::money) {
            metric.format.style = report::Style::number;
            metric.format.unit.clear();
        }
        document.notes.emplace_back(
            report::Phrase{"currencies_added",
                           {{"metric", report::title_of(metric)},
                            {"currencies", fmt::format("{}", fmt::join(found, ", "))}}});
    }
}

}  // namespace kpi::reporting
