#include "reporting/currencies.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

#include "pg/formula.hpp"
#include "pg/sql.hpp"

namespace kpi::reporting {
namespace {

constexpr pg::Options kSnapshot{.access = pg::Access::read_only};

struct Amount {
    std::string formula;
    bool is_measure = false, has_dimension = false;
    std::optional<std::string> currency;
};
using Amounts = std::map<std::string, Amount>;

Amounts load() {
    Amounts out;
    for (const Row &row : pg::query(R"(
            SELECT m.name, m.formula, m.measure IS NOT NULL, m.currency,
                   -- whole numbers are counts
                   coalesce('currency' = ANY (s.dimensions) AND x.type NOT IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype), false)
              FROM kpi.metric m LEFT JOIN kpi.measure x ON x.name = m.measure LEFT JOIN kpi.source s ON s.name = x.source)",
                                    {}, kSnapshot)
                              .rows)
        out[*row[0]] = {*row[1], row[2] == "t", row[4] == "t", row[3]};
    return out;
}

// Those of every measure that the metric is made of.
void collect(const Amounts &amounts, const Scope &scope, const std::string &metric, Date from,
             Date to, std::set<std::string> &out) {
    const Amount &amount = amounts.at(metric);
    if (!amount.is_measure) {
        for (const auto &used : pg::formula_names(amount.formula))
            collect(amounts, scope, used.name, from, to, out);
        return;
    }
    if (amount.has_dimension) {
        for (const Row &row :
             pg::query(R"(
                SELECT DISTINCT coalesce(q.segment->>'currency', '–')
                  FROM kpi.query(ARRAY[$1], $2, $3, filters => $4, by => '{currency}', grain => 'total', max_rows => NULL, expected => false) q
                 WHERE q.value <> 0)",
                       {metric, iso(from), iso(to), Json{scope.filters}}, kSnapshot)
                 .rows)
            out.insert(*row[0]);
    } else if (amount.currency) {
        out.insert(*amount.currency);
    }
}

}  // namespace

void say_currencies(const Scope &scope, Date from, Date to, report::Document &document) {
    const Amounts amounts = load();
    for (report::Metric &metric : document.metrics) {
        std::set<std::string> found;
        collect(amounts, scope, metric.name, from, to, found);
        if (found.size() < 2) continue;
        if (metric.format.style == report::Style::money) {
            metric.format.style = report::Style::number;
            metric.format.unit.clear();
        }
        document.notes.emplace_back(report::Phrase{
            "currencies_added",
            {{"metric", metric.name}, {"currencies", fmt::format("{}", fmt::join(found, ", "))}}});
    }
}

}  // namespace kpi::reporting
