#include "pg/sql.hpp"
#include "reporting/contents.hpp"
#include "reporting/parts.hpp"
#include "reporting/restated.hpp"
#include "reporting/targets.hpp"

namespace kpi::reporting {
namespace {

constexpr int kWeek = 7, kWeeks = 4;

report::Chart chart_of_week(const Scope &scope, const std::string &metric, const Series &days,
                            const Edition &edition) {
    report::Chart out = chart(metric, days, report::Scale::day);
    const auto band = expected(scope, metric, days.buckets.front(), edition.to);
    for (size_t i = 0; i < out.points.size(); ++i) {
        if (i < band.size() && band[i]) {
            out.points[i].low = band[i]->low;
            out.points[i].high = band[i]->high;
        }
        if (i >= size_t(kWeek)) out.points[i].before = out.points[i - kWeek].value;
    }
    out.before = phrase("versus_weekday_before");
    return out;
}

}  // namespace

report::Document weekly(const Edition &edition, const Scope &scope) {
    report::Document out = begin(edition, scope, "title_weekly");
    out.against = report::Period{edition.from + -kWeek * kWeeks, edition.from + -1};
    const Series days = series(scope, out.against->first, edition.to, "day");
    out.data = data(scope, days);
    if (edition.format == "csv") return out;
    const std::map<std::string, Total> sums = totals(scope, edition.from, edition.to, false);
    for (const std::string &metric : scope.metrics) {
        const Total &total = sums.at(metric);
        report::Figure figure;
        figure.metric = metric;
        figure.value = total.value;
        figure.comparisons = {
            {report::Phrase{"versus_same_weekdays", {{"count", int64_t(kWeeks)}}}, total.other},
            {report::Phrase{"versus_period",
                            {{"period", report::Period{edition.from + -kWeek, edition.from + -1}}}},
             total.previous}};
        figure.trend = days.values.at(metric);
        out.figures.push_back(std::move(figure));
    }
    say_restated(scope, days.buckets.front(), edition.to, "day", out);
    report::Section trends{"trend", phrase("trend"), {}};
    for (const std::string &metric : scope.metrics)
        trends.blocks.emplace_back(chart_of_week(scope, metric, days, edition));
    out.sections.push_back(std::move(trends));
    const std::string headline = headline_metric(scope, sums);
    report::Section movers{"movers", phrase("movers"), {}};
    for (const std::string &dimension : dimensions_of(scope, headline))
        movers.blocks.emplace_back(ranking(scope, headline, dimension, edition.from, edition.to));
    if (!movers.blocks.empty()) out.sections.push_back(std::move(movers));
    out.sections.push_back(incidents(edition.from, edition.to));
    add_targets(scope, sums, days.buckets.front(), edition.to, out);
    return out;
}

}  // namespace kpi::reporting
