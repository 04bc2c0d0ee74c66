#include "pg/sql.hpp"
#include "reporting/contents.hpp"
#include "reporting/outlook.hpp"
#include "reporting/parts.hpp"
#include "reporting/restated.hpp"
#include "reporting/targets.hpp"

namespace kpi::reporting {
namespace {

constexpr int kMonths = 13;

report::Period month_of(Date first) { return {first, add_months(first, 1) + -1}; }

// What the month before would have been with as many working days.
Cell per_working_day(const Cell &before, const WorkingDays &days) {
    if (!before || days.days_before == 0) return std::nullopt;
    return pg::value(
        "SELECT pg_catalog.trim_scale(pg_catalog.round($1::pg_catalog.numeric * $2 / $3, 2))",
        {*before, days.days, days.days_before});
}

report::Figure figure(const Edition &edition, const std::string &metric, const Total &total,
                      const WorkingDays &working, const Series &months) {
    report::Figure out;
    out.metric = metric;
    out.value = total.value;
    const auto versus = [&](int back) {
        return report::Phrase{"versus_period",
                              {{"period", month_of(add_months(edition.from, -back))}}};
    };
    out.comparisons = {{versus(1), total.previous}, {versus(kMonths - 1), total.other}};
    if (total.adds_up)
        out.comparisons.push_back(
            {report::Phrase{"versus_working_days",
                            {{"days", working.days}, {"days_before", working.days_before}}},
             per_working_day(total.previous, working)});
    out.trend = months.values.at(metric);
    return out;
}

report::Amount amount(const Cell &value, const report::Format &format) {
    return {value.value_or("NaN"), format};
}

void summarize(report::Document &document, const Edition &edition, const std::string &metric,
               const Total &total, const std::optional<Outlook> &next) {
    const report::Format &format = report::metric_of(document, metric).format;
    const report::Period period{edition.from, edition.to};
    if (total.previous)
        document.summary.emplace_back(
            report::Phrase{"summary_change",
                           {{"metric", titled(metric)},
                            {"period", period},
                            {"value", amount(total.value, format)},
                            {"change", report::Change{total.value, total.previous, format.style}},
                            {"before", amount(total.previous, format)},
                            {"against", month_of(add_months(edition.from, -1))}}});
    else
        document.summary.emplace_back(report::Phrase{"summary_first",
                                                     {{"metric", titled(metric)},
                                                      {"period", period},
                                                      {"value", amount(total.value, format)}}});
    for (const report::Section &section : document.sections) {
        if (section.id != "segments" || section.blocks.empty()) continue;
        const auto &first = std::get<report::Ranking>(section.blocks.front());
        if (first.bars.empty() || !first.bars[0].share) continue;
        document.summary.emplace_back(report::Phrase{
            "summary_share",
            {{"segment", first.bars[0].label},
             {"metric", titled(metric)},
             {"share", report::Amount{*first.bars[0].share, {report::Style::percent, {}, 0}}}}});
    }
    if (next)
        document.summary.emplace_back(
            report::Phrase{"summary_forecast",
                           {{"period", month_of(edition.to + 1)},
                            {"value", report::Amount{next->expected, format}},
                            {"low", report::Amount{next->low, format}},
                            {"high", report::Amount{next->high, format}}}});
    else
        document.summary.emplace_back(phrase("no_forecast"));
}

report::Section trends_of(const Scope &scope, const Series &months, const Edition &edition,
                          const std::string &headline, const std::optional<Outlook> &next) {
    report::Section out{"trend", report::Phrase{"trend_months", {{"count", int64_t(kMonths)}}}, {}};
    for (const std::string &metric : scope.metrics) {
        report::Chart one = chart(metric, months, report::Scale::month);
        one.shape = report::Shape::bars;
        if (metric == headline && next) {
            report::Point ahead;
            ahead.day = edition.to + 1;
            ahead.value = next->expected;
            ahead.low = next->low;
            ahead.high = next->high;
            ahead.open = true;
            one.points.push_back(std::move(ahead));
        }
        out.blocks.emplace_back(std::move(one));
    }
    return out;
}

}  // namespace

report::Document monthly(const Edition &edition, const Scope &scope) {
    report::Document out = begin(edition, scope, "title_monthly");
    out.against = month_of(add_months(edition.from, -1));
    const Series months = series(scope, add_months(edition.from, 1 - kMonths), edition.to, "month");
    out.data = data(scope, months);
    if (edition.format == "csv") return out;
    const std::map<std::string, Total> sums = totals(scope, edition.from, edition.to, true);
    const WorkingDays working = working_days(edition.from);
    if (!working.has_holidays) out.notes.emplace_back(phrase("no_holidays"));
    say_restated(scope, months.buckets.front(), edition.to, "month", out);
    say_restated(scope, edition.from, edition.to, "day", out);
    for (const std::string &metric : scope.metrics)
        out.figures.push_back(figure(edition, metric, sums.at(metric), working, months));
    const std::string headline = headline_metric(scope, sums);
    const std::optional<Outlook> next =
        sums.at(headline).adds_up ? next_month(scope, headline, edition.to) : std::nullopt;
    out.sections.push_back(trends_of(scope, months, edition, headline, next));
    report::Section segments{"segments", phrase("sources_countries"), {}};
    for (const std::string &dimension : dimensions_of(scope, headline))
        segments.blocks.emplace_back(ranking(scope, headline, dimension, edition.from, edition.to));
    if (!segments.blocks.empty()) out.sections.push_back(std::move(segments));
    out.sections.push_back(incidents(edition.from, edition.to));
    summarize(out, edition, headline, sums.at(headline), next);
    add_targets(scope, sums, months.buckets.front(), add_months(edition.from, 2) + -1, out);
    return out;
}

}  // namespace kpi::reporting
