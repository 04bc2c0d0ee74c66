#include "report/legend.hpp"

#include <algorithm>

#include "report/calendar_words.hpp"
#include "report/numbers.hpp"
#include "report/sentence.hpp"

namespace kpi::report {
namespace {

bool has(const Chart &chart, std::optional<Decimal> Point::*field) {
    return std::any_of(chart.points.begin(), chart.points.end(),
                       [&](const Point &point) { return finite(point.*field).has_value(); });
}

// The last day of the bucket that begins on `day`.
Date last_day(Date day, Scale scale) {
    if (scale == Scale::day) return day;
    return scale == Scale::week ? day + 6 : add_months(day, 1) + -1;
}

class Legend {
public:
    explicit Legend(Markup &out) : out_(out) { out_.open("ul", {{"class", "legend"}}); }
    // shape: a mark of the chart, drawn into 20 by 10.
    template <typename Draw>
    void item(const std::string &name, Draw draw) {
        out_.open("li").open("svg", {{"aria-hidden", "true"}, {"width", "20"}, {"height", "10"}});
        draw(out_);
        out_.close().text(name).close();
    }
    void line(std::string_view kind, const std::string &name, const char *path = "M0 5H20") {
        item(name, [&](Markup &to) {
            to.empty("path", {{"class", std::string(kind)}, {"d", path}});
        });
    }
    void block(std::string_view kind, const std::string &name) {
        item(name, [&](Markup &to) {
            to.empty("rect", {{"class", std::string(kind)},
                              {"x", "1"},
                              {"y", "0"},
                              {"width", "18"},
                              {"height", "10"},
                              {"rx", "2"}});
        });
    }
    void dot(std::string_view kind, const std::string &name) {
        item(name, [&](Markup &to) {
            to.empty("circle",
                     {{"class", std::string(kind)}, {"cx", "10"}, {"cy", "5"}, {"r", "4"}});
        });
    }
    void done() { out_.close(); }

private:
    Markup &out_;
};

}  // namespace

bool is_outside(const Point &point) {
    const auto value = finite(point.value), low = finite(point.low), high = finite(point.high);
    if (!value || point.open) return false;
    const double at = approximate(*value);
    return (low && at < approximate(*low)) || (high && at > approximate(*high));
}

void draw_legend(Markup &out, const Document &document, const Chart &chart) {
    const auto said = [&](std::string_view key) {
        return sentence(phrase(key), document.language);
    };
    const bool before = has(chart, &Point::before), target = has(chart, &Point::target);
    const bool band = has(chart, &Point::low) && has(chart, &Point::high);
    const bool outside = std::any_of(chart.points.begin(), chart.points.end(), is_outside);
    const bool open = std::any_of(chart.points.begin(), chart.points.end(),
                                  [](const Point &point) { return point.open; });
    if (!before && !target && !band && !open) return;
    const bool bars = chart.shape == Shape::bars;
    Legend legend(out);
    const std::string &title = title_of(metric_of(document, chart.metric));
    if (bars)
        legend.block("bar", title);
    else
        legend.line("line", title);
    if (open && bars) legend.block("bar ahead", said("forecast_values"));
    if (open && !bars) legend.line("line ahead", said("forecast_values"));
    if (before)
        legend.line("before", sentence(chart.before.value_or(phrase("before")), document.language));
    if (target) legend.line("target", said("target"));
    if (band && bars) legend.line("range", said("expected_values"), "M10 1V9M6 1H14M6 9H14");
    if (band && !bars) legend.block("band", said("expected_values"));
    if (outside && bars) legend.block("bar outside", said("outside_values"));
    if (outside && !bars) legend.dot("dot outside", said("outside_values"));
    legend.done();
}

std::string chart_words(const Document &document, const Chart &chart) {
    const Metric &metric = metric_of(document, chart.metric);
    std::optional<Decimal> low, high;
    for (const Point &point : chart.points) {
        const auto value = finite(point.value);
        if (!value) continue;
        if (!low || approximate(*value) < approximate(*low)) low = std::string(*value);
        if (!high || approximate(*value) > approximate(*high)) high = std::string(*value);
    }
    const Language language = document.language;
    const Period period = {chart.points.front().day,
                           last_day(chart.points.back().day, chart.scale)};
    return sentence(Phrase{chart.shape == Shape::bars ? "bar_chart" : "line_chart",
                           {{"metric", title_of(metric)},
                            {"period", period},
                            {"low", shown(low, metric.format, language, Length::whole)},
                            {"high", shown(high, metric.format, language, Length::whole)}}},
                    language);
}

std::string point_words(const Document &document, const Chart &chart, const Metric &metric,
                        const Point &point) {
    const Language language = document.language;
    const std::string bucket = bucket_words(point.day, chart.scale, language);
    const std::string value = shown(point.value, metric.format, language, Length::whole);
    if (!finite(point.low) || !finite(point.high))
        return sentence(Phrase{"point", {{"bucket", bucket}, {"value", value}}}, language);
    return sentence(Phrase{"point_expected",
                           {{"bucket", bucket},
                            {"value", value},
                            {"low", Amount{*point.low, metric.format}},
                            {"high", Amount{*point.high, metric.format}}}},
                    language);
}

}  // namespace kpi::report
