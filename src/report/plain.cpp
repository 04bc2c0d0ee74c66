#include "report/plain.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/utf8.hpp"
#include "report/cells.hpp"
#include "report/numbers.hpp"
#include "report/sentence.hpp"
#include "report/words.hpp"

namespace kpi::report {
namespace {

constexpr size_t kDigestRows = 10;
constexpr size_t kMostRows = 200;
// Characters of a cell: every row is as wide as the widest cell of each column.
constexpr size_t kMostCell = 80;

std::string join(const std::vector<std::string> &parts) {
    return fmt::format("{}", fmt::join(parts, " · "));
}

// Code points: what a column of a text is aligned by.
size_t width(std::string_view text) {
    return size_t(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

// What stands in a row of a table.
std::string in_a_row(std::string_view text) {
    std::string out = clipped(text, kMostCell);
    for (char &c : out)
        if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    return out;
}

class Plain {
public:
    Plain(const Document &document, Extent extent) : document_(document), extent_(extent) {}

    std::string written() {
        line(join(headline_parts(document_)));
        for (const Text &note : state_of(document_)) line("! " + said(note));
        for (const Text &one : document_.summary) line(said(one));
        for (const Figure &figure : document_.figures) write_figure(figure);
        write_open();
        for (const Section &section : document_.sections) write_section(section);
        if (extent_ == Extent::full) write_definitions();
        for (const Link &link : document_.links)
            if (is_web(link.url)) line(fmt::format("{}: {}", said(link.label), link.url));
        return std::move(out_);
    }

private:
    std::string said(const Text &text) const { return sentence(text, document_.language); }
    void line(std::string_view text) { (out_ += text) += '\n'; }

    void write_figure(const Figure &figure) {
        const Metric &metric = metric_of(document_, figure.metric);
        std::vector<std::string> parts = {
            fmt::format("{} {}", title_of(metric),
                        shown(figure.value, metric.format, document_.language, Length::brief))};
        for (const Comparison &one : figure.comparisons)
            parts.push_back(comparison_words(document_, metric, figure, one));
        for (const std::string &word : figure_words(document_, metric, figure))
            parts.push_back(word);
        if (!figure.trend.empty()) parts.push_back(sparkline(figure.trend));
        line(join(parts));
        if (figure.why) line("  " + said(*figure.why));
    }

    void write_open() {
        if (!document_.open) return;
        std::vector<std::string> parts;
        for (const Figure &figure : document_.figures)
            if (figure.pace) parts.push_back(pace_words(document_, figure));
        line(fmt::format("{}: {}", open_words(document_), join(parts)));
    }

    void write_section(const Section &section) {
        line("");
        line("## " + said(section.title));
        for (const Block &block : section.blocks)
            std::visit([&](const auto &one) { write(one); }, block);
    }

    void write(const Text &text) { line(said(text)); }
    void write(const Table &table) { write_table(table); }
    void write(const Chart &chart) {
        std::vector<std::optional<Decimal>> values;
        for (const Point &point : chart.points) values.push_back(point.value);
        line(fmt::format("{}: {}", said(chart.title), sparkline(values)));
        if (chart.note) line(said(*chart.note));
        if (extent_ == Extent::full) write_table(table_of(document_, chart));
    }
    void write(const Ranking &ranking) {
        write_table(table_of(document_, ranking));
        if (ranking.note) line(said(*ranking.note));
    }
    void write(const Events &events) {
        if (events.events.empty()) {
            if (events.none) line(said(*events.none));
            return;
        }
        for (const Event &event : events.events) line("- " + join(event_words(document_, event)));
    }

    void write_table(const Table &table) {
        if (const std::string title = said(table.title); !title.empty()) line(title + ":");
        const size_t most = extent_ == Extent::digest ? kDigestRows : kMostRows;
        const size_t rows = std::min(table.rows(), most), columns = table.columns.size();
        const Cells cells(document_, table);
        std::vector<std::vector<std::string>> grid(rows + 1);
        std::vector<size_t> widths(columns);
        for (size_t row = 0; row <= rows; ++row)
            for (size_t column = 0; column < columns; ++column) {
                grid[row].push_back(in_a_row(row == 0 ? said(table.columns[column].title)
                                                      : cells.shown(row - 1, column)));
                widths[column] = std::max(widths[column], width(grid[row][column]));
            }
        for (const auto &row : grid) line(aligned(row, widths, table));
        if (rows < table.rows())
            line(said(Phrase{"rows_left_out", {{"count", int64_t(table.rows() - rows)}}}));
    }

    static std::string aligned(const std::vector<std::string> &row,
                               const std::vector<size_t> &widths, const Table &table) {
        std::string out;
        for (size_t column = 0; column < row.size(); ++column) {
            const std::string space(widths[column] - width(row[column]), ' ');
            const bool right = is_numeric(table.columns[column].type);
            out += fmt::format("  {}{}{}", right ? space : "", row[column], right ? "" : space);
        }
        out.erase(out.find_last_not_of(' ') + 1);
        return out;
    }

    void write_definitions() {
        if (document_.definitions.empty()) return;
        line("");
        line("## " + said(phrase("definitions")));
        for (const Definition &one : document_.definitions) {
            line(fmt::format("- {}: {}", title_of(metric_of(document_, one.metric)), one.formula));
            if (!one.description.empty()) line("  " + one.description);
        }
    }

    const Document &document_;
    Extent extent_;
    std::string out_;
};

}  // namespace

std::string plain(const Document &document, Extent extent) {
    return Plain(document, extent).written();
}

}  // namespace kpi::report
