#include "report/drawing.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "report/axis.hpp"
#include "report/calendar_words.hpp"
#include "report/legend.hpp"
#include "report/numbers.hpp"
#include "report/sentence.hpp"

namespace kpi::report {
namespace {

// Pixels; the width is that of the page.
constexpr double kTop = 12, kHeight = 176, kFoot = 26;
// Labels of the axis that fit beside each other on a phone, and on a page.
constexpr size_t kFewLabels = 4, kManyLabels = 14;

using Values = std::vector<std::optional<double>>;

std::string number(double value) {
    std::string text = fmt::format("{:.2f}", value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text == "-0" ? "0" : text;
}

std::string percent(double share) { return number(100 * share) + "%"; }

std::optional<double> value_of(const std::optional<Decimal> &decimal) {
    const auto known = finite(decimal);
    return known ? std::optional(approximate(*known)) : std::nullopt;
}

Values values_of(const std::vector<Point> &points, std::optional<Decimal> Point::*field) {
    Values out;
    for (const Point &point : points) out.push_back(value_of(point.*field));
    return out;
}

class Drawing {
public:
    Drawing(Markup &out, const Document &document, const Chart &chart, Axis axis)
        : out_(out), document_(document), chart_(chart), axis_(std::move(axis)) {}

    // Two pictures: the ticks have a width of their own, the field takes what is left.
    void draw(const std::string &description) {
        const std::string height = number(kTop + kHeight + kFoot);
        out_.open("div", {{"class", "plot"}, {"role", "img"}, {"aria-label", description}});
        out_.open("svg", {{"class", "ticks"}, {"aria-hidden", "true"}, {"height", height}});
        draw_ticks();
        out_.close();
        out_.open(
            "svg",
            {{"class", "field"}, {"aria-hidden", "true"}, {"width", "100%"}, {"height", height}});
        draw_grid();
        if (chart_.shape == Shape::bars) draw_bars();
        open_plot();
        if (chart_.shape == Shape::line) draw_band();
        draw_line("before", values_of(chart_.points, &Point::before));
        if (chart_.shape == Shape::line) {
            draw_line("target", values_of(chart_.points, &Point::target));
            draw_values();
        }
        out_.close();
        if (chart_.shape == Shape::line)
            draw_dots();
        else
            draw_marks();
        draw_labels();
        draw_tips();
        out_.close().close();
    }

private:
    size_t count() const { return chart_.points.size(); }
    // Of the middle of a point's band, from 0 to 1.
    double across(size_t point) const { return (double(point) + 0.5) / double(count()); }
    // Pixels from the top of the whole.
    double down(double value) const { return kTop + kHeight * (1 - axis_.place(value)); }

    void draw_ticks() {
        const Format &format = metric_of(document_, chart_.metric).format;
        for (const Tick &tick : axis_.ticks)
            out_.element("text", {{"x", "0"}, {"y", number(kTop + kHeight * (1 - tick.place) + 4)}},
                         shown(tick.value, format, document_.language, Length::tick));
    }

    void draw_grid() {
        for (const Tick &tick : axis_.ticks) {
            const double y = kTop + kHeight * (1 - tick.place);
            const bool zero = axis_.low + tick.place * (axis_.high - axis_.low) == 0;
            out_.empty("line", {{"class", zero ? "zero" : "grid"},
                                {"x1", "0"},
                                {"x2", "100%"},
                                {"y1", number(y)},
                                {"y2", number(y)}});
        }
    }

    // Inside it, one band is one unit wide and the axis a hundred high.
    void open_plot() {
        out_.open("svg", {{"x", "0"},
                          {"y", number(kTop)},
                          {"width", "100%"},
                          {"height", number(kHeight)},
                          {"viewBox", fmt::format("0 0 {} 100", count())},
                          {"preserveAspectRatio", "none"},
                          {"overflow", "visible"}});
    }
    std::string spot(size_t point, double value) const {
        return fmt::format("{} {}", number(double(point) + 0.5),
                           number(100 * (1 - axis_.place(value))));
    }
    void draw_path(std::string_view kind, const std::string &path) {
        if (!path.empty()) out_.empty("path", {{"class", std::string(kind)}, {"d", path}});
    }

    void draw_line(std::string_view kind, const Values &values) {
        draw_path(kind, path_of(values, 0, values.size()));
    }
    std::string path_of(const Values &values, size_t from, size_t to) const {
        std::string path;
        bool pen_down = false;
        for (size_t i = from; i < to; ++i) {
            if (values[i]) path += (pen_down ? "L" : "M") + spot(i, *values[i]);
            pen_down = values[i].has_value();
        }
        return path;
    }

    // Closed points as a line, with the room under it; open ones and the way to them dashed.
    void draw_values() {
        const Values values = values_of(chart_.points, &Point::value);
        size_t closed = 0;
        while (closed < count() && !chart_.points[closed].open) ++closed;
        for (size_t from = 0; from < closed;) {
            size_t to = from;
            while (to < closed && values[to]) ++to;
            if (to > from + 1) {
                const double base = std::clamp(0.0, axis_.low, axis_.high);
                draw_path("area", fmt::format("{}L{}L{}Z", path_of(values, from, to),
                                              spot(to - 1, base), spot(from, base)));
            }
            from = to + 1;
        }
        draw_path("line", path_of(values, 0, closed));
        if (closed < count())
            draw_path("line ahead", path_of(values, closed == 0 ? 0 : closed - 1, count()));
    }

    void draw_band() {
        const Values low = values_of(chart_.points, &Point::low),
                     high = values_of(chart_.points, &Point::high);
        for (size_t from = 0; from < count();) {
            size_t to = from;
            while (to < count() && low[to] && high[to]) ++to;
            if (to > from) {
                std::string path = path_of(high, from, to);
                for (size_t i = to; i > from; --i) path += "L" + spot(i - 1, *low[i - 1]);
                // one point has no width of its own
                if (to == from + 1)
                    path = fmt::format(
                        "M{} {}H{}V{}H{}Z", number(double(from) + 0.25),
                        number(100 * (1 - axis_.place(*high[from]))), number(double(from) + 0.75),
                        number(100 * (1 - axis_.place(*low[from]))), number(double(from) + 0.25));
                draw_path("band", path.ends_with('Z') ? path : path + "Z");
            }
            from = to + 1;
        }
    }

    void draw_dots() {
        const Values values = values_of(chart_.points, &Point::value);
        size_t last = count();
        for (size_t i = 0; i < count(); ++i)
            if (values[i] && !chart_.points[i].open) last = i;
        for (size_t i = 0; i < count(); ++i) {
            if (!values[i]) continue;
            const bool alone = (i == 0 || !values[i - 1]) && (i + 1 == count() || !values[i + 1]);
            const bool outside = is_outside(chart_.points[i]);
            if (!outside && !alone && i != last && !chart_.points[i].open) continue;
            const std::string kind = outside                 ? "dot outside"
                                     : chart_.points[i].open ? "dot ahead"
                                                             : "dot";
            out_.empty("circle", {{"class", kind},
                                  {"cx", percent(across(i))},
                                  {"cy", number(down(*values[i]))},
                                  {"r", outside ? "5" : "3.5"}});
        }
    }

    void draw_bars() {
        const double width = 0.62 / double(count());
        for (size_t i = 0; i < count(); ++i) {
            const auto value = value_of(chart_.points[i].value);
            if (!value) continue;
            const double zero = down(0), end = down(*value);
            const std::string kind = chart_.points[i].open          ? "bar ahead"
                                     : is_outside(chart_.points[i]) ? "bar outside"
                                                                    : "bar";
            out_.empty("rect", {{"class", kind},
                                {"x", percent(across(i) - width / 2)},
                                {"y", number(std::min(zero, end))},
                                {"width", percent(width)},
                                {"height", number(std::max(1.0, std::abs(zero - end)))},
                                {"rx", "2"}});
        }
    }

    void draw_stroke(std::string_view kind, double left, double right, double top, double bottom) {
        out_.empty("line", {{"class", std::string(kind)},
                            {"x1", percent(left)},
                            {"x2", percent(right)},
                            {"y1", number(top)},
                            {"y2", number(bottom)}});
    }
    // Over a bar: its target as a stroke a little wider than the bar, its range as a line with
    // ends.
    void draw_marks() {
        const double target = 0.4 / double(count()), end = 0.1 / double(count());
        for (size_t i = 0; i < count(); ++i) {
            const Point &point = chart_.points[i];
            const double at = across(i);
            if (const auto value = value_of(point.target))
                for (const char *kind : {"halo", "target"})
                    draw_stroke(kind, at - target, at + target, down(*value), down(*value));
            const auto low = value_of(point.low), high = value_of(point.high);
            if (!low || !high) continue;
            draw_stroke("range", at, at, down(*low), down(*high));
            for (const double value : {*low, *high})
                draw_stroke("range", at - end, at + end, down(value), down(value));
        }
    }

    void draw_labels() {
        const size_t few = (count() + kFewLabels - 1) / kFewLabels;
        const size_t many = (count() + kManyLabels - 1) / kManyLabels;
        for (size_t i = 0; i < count(); ++i) {
            // counted from the end: the latest bucket is always named
            const size_t back = count() - 1 - i;
            const bool always = back % few == 0;
            if (!always && (back % many != 0 || few % many != 0)) continue;
            const double at = across(i);
            const bool left = count() > 1 && at<0.04, right = count()> 1 && at > 0.96;
            out_.element(
                "text",
                {{"class", always ? "" : "wide"},
                 {"x", left    ? "0"
                       : right ? "100%"
                               : percent(at)},
                 {"y", number(kTop + kHeight + 18)},
                 {"text-anchor", left    ? "start"
                                 : right ? "end"
                                         : "middle"}},
                short_bucket_words(chart_.points[i].day, chart_.scale, document_.language));
        }
    }

    // What a pointer shows over the band of a point.
    void draw_tips() {
        const Metric &metric = metric_of(document_, chart_.metric);
        for (size_t i = 0; i < count(); ++i)
            out_.open("rect", {{"class", "tip"},
                               {"x", percent(double(i) / double(count()))},
                               {"y", number(kTop)},
                               {"width", percent(1 / double(count()))},
                               {"height", number(kHeight)}})
                .element("title", point_words(document_, chart_, metric, chart_.points[i]))
                .close();
    }

    Markup &out_;
    const Document &document_;
    const Chart &chart_;
    Axis axis_;
};

}  // namespace

void draw_chart(Markup &out, const Document &document, const Chart &chart) {
    auto axis = axis_of(chart.points, chart.shape);
    if (!axis) {
        out.element("p", {{"class", "none"}}, sentence(phrase("empty_chart"), document.language));
        return;
    }
    draw_legend(out, document, chart);
    Drawing(out, document, chart, std::move(*axis)).draw(chart_words(document, chart));
}

void draw_sparkline(Markup &out, const std::vector<std::optional<Decimal>> &values) {
    std::vector<Point> points;
    points.reserve(values.size());
    for (const auto &value : values) points.push_back({.day = {}, .value = value});
    const auto known = std::count_if(points.begin(), points.end(), [](const Point &point) {
        return finite(point.value).has_value();
    });
    if (known < 2) return;
    // the least and the greatest fill the height: a sparkline shows the course, not the size
    double low = 0, high = 0;
    bool any = false;
    for (const Point &point : points)
        if (const auto value = value_of(point.value)) {
            low = any ? std::min(low, *value) : *value;
            high = any ? std::max(high, *value) : *value;
            any = true;
        }
    std::string path;
    bool pen_down = false;
    for (size_t i = 0; i < points.size(); ++i) {
        const auto value = value_of(points[i].value);
        if (value)
            path += fmt::format("{}{} {}", pen_down ? "L" : "M", i,
                                number(high > low ? 28 - 26 * (*value - low) / (high - low) : 15));
        pen_down = value.has_value();
    }
    out.open("svg", {{"class", "spark"},
                     {"aria-hidden", "true"},
                     {"width", "100%"},
                     {"height", "30"},
                     {"viewBox", fmt::format("0 0 {} 30", points.size() - 1)},
                     {"preserveAspectRatio", "none"}})
        .empty("path", {{"class", "line"}, {"d", path}})
        .close();
}

}  // namespace kpi::report
