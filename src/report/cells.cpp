#include "report/cells.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "report/calendar_words.hpp"
#include "report/sentence.hpp"
#include "report/words.hpp"

namespace kpi::report {
namespace {

using Optional = std::optional<std::string_view>;

// Collects columns with one cell a row, drops those that hold nothing, and makes a table of them.
class Builder {
public:
    explicit Builder(Text title) : title_(std::move(title)) {}

    void column(std::string name, Text title, Type type, const Format &format = {}) {
        columns_.push_back({std::move(name), std::move(title), type, format});
        cells_.emplace_back();
    }
    void row(std::vector<std::optional<std::string>> cells) {
        for (size_t i = 0; i < cells.size(); ++i) cells_.at(i).push_back(std::move(cells[i]));
    }
    Table made() {
        std::vector<Column> columns;
        std::vector<size_t> kept;
        for (size_t i = 0; i < columns_.size(); ++i)
            if (i < 2 || std::any_of(cells_[i].begin(), cells_[i].end(),
                                     [](const auto &cell) { return cell.has_value(); })) {
                kept.push_back(i);
                columns.push_back(columns_[i]);
            }
        Table table(std::move(columns), std::move(title_));
        for (size_t row = 0; row < cells_[0].size(); ++row)
            for (const size_t i : kept)
                table.add(cells_[i][row] ? Optional(*cells_[i][row]) : std::nullopt);
        return table;
    }

private:
    Text title_;
    std::vector<Column> columns_;
    std::vector<std::vector<std::optional<std::string>>> cells_;
};

Type type_of(Scale scale) {
    if (scale == Scale::day) return Type::date;
    return scale == Scale::week ? Type::week : Type::month;
}

const char *key_of(Scale scale) {
    if (scale == Scale::day) return "day";
    return scale == Scale::week ? "week" : "month";
}

Scale scale_of(Type type) {
    if (type == Type::week) return Scale::week;
    return type == Type::month ? Scale::month : Scale::day;
}

}  // namespace

bool is_numeric(Type type) {
    return type == Type::number || type == Type::value || type == Type::change;
}

Cells::Cells(const Document &document, const Table &table)
    : document_(document), table_(table), metric_column_(table.metric_column()) {}

const Format &Cells::format(size_t row, size_t column) const {
    const Column &of = table_.columns.at(column);
    if (of.type == Type::number || !metric_column_) return of.format;
    const auto metric = table_.cell(row, *metric_column_);
    return metric ? metric_of(document_, *metric).format : of.format;
}

std::string Cells::shown(size_t row, size_t column) const {
    const auto cell = table_.cell(row, column);
    if (!cell) return kNoValue;
    const Language language = document_.language;
    const Type type = table_.columns[column].type;
    switch (type) {
        case Type::text:
            break;
        case Type::metric:
            return title_of(metric_of(document_, *cell));
        case Type::date:
        case Type::week:
        case Type::month:
            return bucket_words(parse_date(*cell), scale_of(type), language);
        case Type::number:
        case Type::value:
            return report::shown(std::string(*cell), format(row, column), language, Length::whole);
        case Type::change:
            return shown_change(cell, format(row, column).style, language).text;
    }
    return std::string(*cell);
}

Direction Cells::direction(size_t row, size_t column) const {
    return shown_change(table_.cell(row, column), format(row, column).style, document_.language)
        .direction;
}

Table table_of(const Document &document, const Chart &chart) {
    const Metric &metric = metric_of(document, chart.metric);
    const Format &format = metric.format;
    Builder table{Text(std::string())};
    table.column(key_of(chart.scale), phrase(key_of(chart.scale)), type_of(chart.scale));
    table.column("value", Text(title_of(metric)), Type::number, format);
    table.column("low", phrase("low_expected"), Type::number, format);
    table.column("high", phrase("high_expected"), Type::number, format);
    table.column("before",
                 capitalised(sentence(chart.before.value_or(phrase("before")), document.language)),
                 Type::number, format);
    table.column("change", phrase("change"), Type::change, format);
    table.column("target", phrase("target"), Type::number, format);
    table.column("state", phrase("state"), Type::text);
    const std::string open = sentence(phrase("forecast_values"), document.language);
    for (const Point &point : chart.points)
        table.row({iso(point.day), point.value, point.low, point.high, point.before,
                   change_of({point.value, point.before, format.style}), point.target,
                   point.open ? std::optional(open) : std::nullopt});
    return table.made();
}

Table table_of(const Document &document, const Ranking &ranking) {
    const Metric &metric = metric_of(document, ranking.metric);
    const Format &format = metric.format;
    Builder table{ranking.title};
    table.column("segment", phrase("segment"), Type::text);
    table.column("value", Text(title_of(metric)), Type::number, format);
    table.column("share", phrase("share"), Type::number, percent_format());
    table.column("before", phrase("before"), Type::number, format);
    table.column("change", phrase("change"), Type::change, format);
    const auto add = [&](const Bar &bar, const std::string &label) {
        table.row({label, bar.value, bar.share, bar.before,
                   change_of({bar.value, bar.before, format.style})});
    };
    for (const Bar &bar : ranking.bars) add(bar, bar.label);
    if (ranking.rest) add(*ranking.rest, sentence(phrase("others"), document.language));
    return table.made();
}

Table table_of(const Document &document, const std::vector<Figure> &figures) {
    Builder table{phrase("figures")};
    table.column("metric", phrase("metric"), Type::metric);
    table.column("value", phrase("value"), Type::value);
    table.column("against", phrase("compared_with"), Type::text);
    table.column("before", phrase("before"), Type::value);
    table.column("change", phrase("change"), Type::change);
    table.column("low", phrase("low_expected"), Type::value);
    table.column("high", phrase("high_expected"), Type::value);
    table.column("share", phrase("share"), Type::number, percent_format());
    table.column("target", phrase("target"), Type::value);
    for (const Figure &figure : figures) {
        std::optional<Decimal> low, high, target;
        if (figure.expected) low = figure.expected->low, high = figure.expected->high;
        if (figure.target) target = figure.target->value;
        const Style style = metric_of(document, figure.metric).format.style;
        if (figure.comparisons.empty())
            table.row({figure.metric, figure.value, std::nullopt, std::nullopt, std::nullopt, low,
                       high, figure.share, target});
        for (const Comparison &one : figure.comparisons)
            table.row({figure.metric, figure.value, sentence(one.against, document.language),
                       one.before, change_of({figure.value, one.before, style}), low, high,
                       figure.share, target});
    }
    return table.made();
}

}  // namespace kpi::report
