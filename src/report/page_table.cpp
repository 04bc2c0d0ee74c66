#include "report/page_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/cells.hpp"
#include "report/sentence.hpp"
#include "report/words.hpp"

namespace kpi::report {
namespace {

constexpr size_t kMostRows = 500;
std::string tone_of(Direction direction, Better better) {
    if (direction == Direction::none) return "";
    if (direction == Direction::flat || better == Better::neither) return "by";
    return (direction == Direction::up) == (better == Better::more) ? "by good" : "by bad";
}

const char *class_of(Type type) {
    if (is_numeric(type)) return "n";
    if (type == Type::date || type == Type::week || type == Type::month) return "day";
    return type == Type::text || type == Type::metric ? "words" : "";
}

class Writer {
public:
    Writer(Markup &out, const Document &document, const Table &table)
        : out_(out), document_(document), table_(table), cells_(document, table) {}

    void write(std::string_view name) {
        // a table wider than a phone is pushed sideways, also by the keyboard
        out_.open("div", {{"class", "scroll"},
                          {"tabindex", "0"},
                          {"role", "region"},
                          {"aria-label", std::string(name)}});
        out_.open("table", {{"class", "names"}}).open("thead").open("tr");
        for (const Column &column : table_.columns)
            out_.element("th", {{"scope", "col"}, {"class", class_of(column.type)}},
                         sentence(column.title, document_.language));
        out_.close().close().open("tbody").line();
        const size_t rows = std::min(table_.rows(), kMostRows);
        for (size_t row = 0; row < rows; ++row) write_row(row);
        out_.close().close().close();
        if (rows < table_.rows())
            out_.element(
                "p", {{"class", "note"}},
                sentence(Phrase{"rows_left_out", {{"count", int64_t(table_.rows() - rows)}}},
                         document_.language));
        out_.line();
    }

private:
    void write_row(size_t row) {
        out_.open("tr");
        for (size_t column = 0; column < table_.columns.size(); ++column) {
            const Type type = table_.columns[column].type;
            if (type == Type::change)
                write_change_cell(row, column);
            else if (column == 0)
                out_.element("th", {{"scope", "row"}, {"class", class_of(type)}},
                             cells_.shown(row, column));
            else
                out_.element("td", {{"class", class_of(type)}}, cells_.shown(row, column));
        }
        out_.close().line();
    }
    void write_change_cell(size_t row, size_t column) {
        Better better = Better::neither;
        if (const auto metric = table_.metric_column())
            if (const auto name = table_.cell(row, *metric))
                better = metric_of(document_, *name).better;
        out_.open("td", {{"class", "n"}});
        write_change(out_, {cells_.shown(row, column), cells_.direction(row, column)}, better);
        out_.close();
    }

    Markup &out_;
    const Document &document_;
    const Table &table_;
    Cells cells_;
};

double size_of(const std::optional<Decimal> &value) {
    const auto known = finite(value);
    return known ? approximate(*known) : 0;
}

class RankingWriter {
public:
    RankingWriter(Markup &out, const Document &document, const Ranking &ranking)
        : out_(out),
          document_(document),
          ranking_(ranking),
          metric_(metric_of(document, ranking.metric)) {
        const auto look = [&](const Bar &bar) {
            greatest_ = std::max(greatest_, std::fabs(size_of(bar.value)));
            shares_ = shares_ || bar.share.has_value();
            before_ = before_ || bar.before.has_value();
        };
        std::for_each(ranking.bars.begin(), ranking.bars.end(), look);
        if (ranking.rest) look(*ranking.rest);
    }

    void write() {
        out_.open("table", {{"class", "bars"}}).open("thead").open("tr");
        head("segment", "");
        out_.element("th", {{"scope", "col"}, {"class", "n"}}, title_of(metric_));
        if (shares_) head("share", "n extra");
        if (before_) head("before", "n extra");
        if (before_) head("change", "n");
        out_.close().close().open("tbody").line();
        for (const Bar &bar : ranking_.bars) write_bar(bar, bar.label);
        if (ranking_.rest)
            write_bar(*ranking_.rest, sentence(phrase("others"), document_.language));
        out_.close().close().line();
    }

private:
    void head(std::string_view key, std::string_view kind) {
        out_.element("th", {{"scope", "col"}, {"class", std::string(kind)}},
                     sentence(phrase(key), document_.language));
    }
    void cell(const std::optional<Decimal> &value, const Format &format, std::string_view kind) {
        out_.element("td", {{"class", std::string(kind)}},
                     shown(value, format, document_.language, Length::brief));
    }

    void write_bar(const Bar &bar, const std::string &label) {
        const double size = size_of(bar.value);
        const double width = greatest_ > 0 ? 100 * std::fabs(size) / greatest_ : 0;
        out_.open("tr").open("th", {{"scope", "row"}, {"class", "share"}});
        out_.open("svg", {{"aria-hidden", "true"}})
            .empty("rect", {{"class", size < 0 ? "negative" : ""},
                            {"width", fmt::format("{:.1f}%", width)},
                            {"height", "100%"},
                            {"rx", "5"}})
            .close();
        out_.element("span", label).close();
        cell(bar.value, metric_.format, "n");
        if (shares_) cell(bar.share, percent_format(), "n extra");
        if (before_) {
            cell(bar.before, metric_.format, "n extra");
            out_.open("td", {{"class", "n"}});
            write_change(
                out_,
                shown_change({bar.value, bar.before, metric_.format.style}, document_.language),
                metric_.better);
            out_.close();
        }
        out_.close().line();
    }

    Markup &out_;
    const Document &document_;
    const Ranking &ranking_;
    const Metric &metric_;
    double greatest_ = 0;
    bool shares_ = false, before_ = false;
};

}  // namespace

void write_table(Markup &out, const Document &document, const Table &table, std::string_view name) {
    Writer(out, document, table).write(name);
}

void write_ranking(Markup &out, const Document &document, const Ranking &ranking) {
    if (ranking.bars.empty() && !ranking.rest)
        out.element("p", {{"class", "none"}}, sentence(phrase("no_values"), document.language));
    else
        RankingWriter(out, document, ranking).write();
}

void write_change(Markup &out, const ShownChange &change, Better better) {
    out.open("span", {{"class", tone_of(change.direction, better)}});
    if (const std::string mark = arrow(change.direction); !mark.empty())
        out.element("span", {{"aria-hidden", "true"}}, mark);
    out.text(change.text).close();
}

}  // namespace kpi::report
