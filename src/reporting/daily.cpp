#include "pg/sql.hpp"
#include "reporting/contents.hpp"
#include "reporting/parts.hpp"
#include "reporting/restated.hpp"
#include "reporting/targets.hpp"

namespace kpi::reporting {
namespace {

constexpr int kWeek = 7, kTrend = 14;

report::Figure figure(const report::Document &document, const Scope &scope,
                      const std::string &metric, const Total &total, const Series &days) {
    const Date day = document.as_of;
    const std::vector<Cell> &values = days.values.at(metric);
    report::Figure out;
    out.metric = metric;
    out.value = values.back();
    out.comparisons = {
        {report::Phrase{"versus_day", {{"day", day + -kWeek}}}, values[values.size() - 1 - kWeek]},
        {report::Phrase{"versus_average", {{"count", int64_t(4 * kWeek)}}}, total.other}};
    out.expected = expected(scope, metric, day, day).back();
    out.trend.assign(values.end() - kTrend, values.end());
    return out;
}

}  // namespace

report::Document daily(const Edition &edition, const Scope &scope) {
    report::Document out = begin(edition, scope, "title_daily");
    out.period = {edition.to, edition.to};
    const Series days = series(scope, edition.from, edition.to, "day");
    out.data = data(scope, days);
    if (edition.format == "csv") return out;
    const std::map<std::string, Total> sums = totals(scope, edition.to, edition.to, false);
    for (const std::string &metric : scope.metrics)
        out.figures.push_back(figure(out, scope, metric, sums.at(metric), days));
    say_restated(scope, edition.from, edition.to, "day", out);
    out.figures.front().why =
        why(scope, scope.metrics.front(), edition.to, out.metrics.front().format);
    report::Section trends{"trend", phrase("trend"), {}};
    for (const std::string &metric : scope.metrics)
        trends.blocks.emplace_back(chart(metric, days, report::Scale::day));
    out.sections.push_back(std::move(trends));
    out.sections.push_back(incidents(edition.to, edition.to));
    add_targets(scope, sums, days.buckets.front(), edition.to, out);
    return out;
}

}  // namespace kpi::reporting
