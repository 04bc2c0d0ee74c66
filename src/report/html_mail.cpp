#include "report/html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/utf8.hpp"
#include "report/calendar_words.hpp"
#include "report/cells.hpp"
#include "report/markup.hpp"
#include "report/sentence.hpp"
#include "report/words.hpp"

namespace kpi::report {
namespace {

constexpr const char *kBody =
    "margin:0;padding:16px;background:#f6f7f9;color:#1a2233;font:15px/1.5 -apple-system,"
    "'Segoe UI',Roboto,Arial,sans-serif";
constexpr const char *kSheet =
    "width:100%;max-width:640px;margin:0 auto;background:#ffffff;border:1px solid #e4e8ee;"
    "border-radius:12px;border-collapse:separate";
constexpr const char *kHeading = "font-size:17px;line-height:1.3;margin:24px 0 8px";
constexpr const char *kSmall = "font-size:13px;color:#566176";
constexpr const char *kCell =
    "padding:7px 12px 7px 0;border-bottom:1px solid #e4e8ee;font-size:14px;"
    "vertical-align:top";
constexpr const char *kNumber =
    "padding:7px 0 7px 12px;border-bottom:1px solid #e4e8ee;"
    "font-size:14px;vertical-align:top;text-align:right";
constexpr const char *kNote = "background:#fdf3dc;color:#8a5200;padding:8px 12px;border-radius:8px";

// How much is said; tried from the most to the least until it fits.
struct Room {
    size_t rows, sections, figures, characters;
};
constexpr std::array<Room, 4> kRooms = {
    {{15, 40, 40, 160}, {8, 20, 24, 120}, {3, 8, 12, 80}, {0, 0, 8, 60}}};

class Mail {
public:
    Mail(const Document &document, Room room) : document_(document), room_(room) {}

    std::string written() {
        open_page();
        for (const Text &note : first(state_of(document_)))
            out_.element("p", {{"style", kNote}}, said(note));
        for (const Text &one : first(document_.summary)) out_.element("p", said(one));
        write_figures();
        write_open();
        for (size_t i = 0; i < std::min(document_.sections.size(), room_.sections); ++i)
            write_section(document_.sections[i]);
        write_links();
        return "<!DOCTYPE html>\n" + std::move(out_).done() + "\n";
    }

private:
    std::string said(const Text &text) const {
        // a sentence is longer than a name, and still not a book
        return clipped(sentence(text, document_.language), 4 * room_.characters);
    }
    std::string name(std::string_view text) const { return clipped(text, room_.characters); }
    std::vector<Text> first(std::vector<Text> texts) const {
        texts.resize(std::min(texts.size(), room_.figures));
        return texts;
    }

    void open_page() {
        const std::string title = said(document_.title);
        out_.open("html", {{"lang", std::string(code(document_.language))}}).open("head");
        out_.empty("meta", {{"charset", "utf-8"}});
        out_.empty("meta",
                   {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
        out_.element("title", title).close().line();
        out_.open("body", {{"style", kBody}}).open("div", {{"role", "main"}});
        out_.open("table", {{"role", "presentation"}, {"style", kSheet}});
        out_.open("tr").open("td", {{"style", "padding:24px"}}).line();
        out_.element("h1", {{"style", "font-size:22px;line-height:1.25;margin:0 0 4px"}}, title);
        auto parts = headline_parts(document_);
        parts.erase(parts.begin());
        std::string line;
        for (const std::string &part : parts) line += (line.empty() ? "" : " · ") + name(part);
        out_.element("p", {{"style", std::string(kSmall) + ";margin:0 0 16px"}}, line).line();
    }

    void write_figures() {
        if (document_.figures.empty()) return;
        open_table();
        const size_t figures = std::min(document_.figures.size(), room_.figures);
        for (size_t i = 0; i < figures; ++i) write_figure(document_.figures[i]);
        out_.close();
        tell_shortened(document_.figures.size() - figures);
    }

    void write_figure(const Figure &figure) {
        const Metric &metric = metric_of(document_, figure.metric);
        out_.open("tr").open("td", {{"style", kCell}});
        out_.element("strong", name(title_of(metric)));
        for (const Comparison &one : figure.comparisons)
            small(comparison_words(document_, metric, figure, one));
        for (const std::string &words : figure_words(document_, metric, figure)) small(words);
        if (figure.why) small(said(*figure.why));
        out_.close().open("td", {{"style", kNumber}});
        out_.element("strong", {{"style", "font-size:20px;white-space:nowrap"}},
                     shown(figure.value, metric.format, document_.language, Length::brief));
        if (!figure.trend.empty()) small(sparkline(last_ones(figure.trend)));
        out_.close().close().line();
    }

    static std::vector<std::optional<Decimal>> last_ones(
        const std::vector<std::optional<Decimal>> &trend) {
        return {trend.end() - std::ptrdiff_t(std::min<size_t>(trend.size(), 14)), trend.end()};
    }

    void small(std::string_view text) {
        out_.empty("br").element("span", {{"style", kSmall}}, clipped(text, 3 * room_.characters));
    }

    void write_open() {
        if (!document_.open) return;
        std::string words;
        for (const Figure &figure : document_.figures)
            if (figure.pace) words += (words.empty() ? "" : " · ") + pace_words(document_, figure);
        out_.open("p").element("strong", open_words(document_)).empty("br");
        out_.text(clipped(words, 8 * room_.characters)).close().line();
    }

    void write_section(const Section &section) {
        section_title_ = said(section.title);
        out_.element("h2", {{"style", kHeading}}, section_title_).line();
        for (size_t i = 0; i < std::min<size_t>(section.blocks.size(), 24); ++i)
            std::visit([&](const auto &one) { write(one); }, section.blocks[i]);
    }

    void open_table() {
        out_.open("table", {{"style", "width:100%;border-collapse:collapse"}}).line();
    }

    void write(const Text &text) { out_.element("p", said(text)).line(); }
    void write(const Table &table) { write_rows(table, said(table.title)); }
    void write(const Chart &chart) {
        std::vector<std::optional<Decimal>> values;
        for (const Point &point : chart.points) values.push_back(point.value);
        out_.open("p").element("strong", said(chart.title)).empty("br");
        out_.element("span", {{"aria-hidden", "true"}}, sparkline(values));
        if (!chart.points.empty()) small(chart_words_of(chart));
        if (chart.note) small(said(*chart.note));
        out_.close().line();
    }
    std::string chart_words_of(const Chart &chart) const {
        const Metric &metric = metric_of(document_, chart.metric);
        const Point &last = chart.points.back();
        return sentence(
            Phrase{
                "point",
                {{"bucket", bucket_words(last.day, chart.scale, document_.language)},
                 {"value", shown(last.value, metric.format, document_.language, Length::whole)}}},
            document_.language);
    }
    void write(const Ranking &ranking) {
        write_rows(table_of(document_, ranking), said(ranking.title), &ranking);
        if (ranking.note) out_.element("p", {{"style", kSmall}}, said(*ranking.note));
    }
    void write(const Events &events) {
        if (events.events.empty() && !events.none) return;
        if (said(events.title) != section_title_)
            out_.element("p", {{"style", "font-weight:600"}}, said(events.title));
        if (events.events.empty()) out_.element("p", said(*events.none));
        const size_t most = std::min(events.events.size(), std::max<size_t>(room_.rows, 1));
        for (size_t i = 0; i < most; ++i) {
            const auto words = event_words(document_, events.events[i]);
            out_.open("p", {{"style", "margin:0 0 8px"}}).element("strong", words[0]);
            out_.text(": " + name(words[1]));
            for (size_t j = 2; j < words.size(); ++j)
                out_.text(" · ").element("span", {{"style", kSmall}}, name(words[j]));
            out_.close().line();
        }
        tell_shortened(events.events.size() - most);
    }

    // Bars of a ranking are the background of its first column: mail programs draw no SVG.
    void write_rows(const Table &table, const std::string &title,
                    const Ranking *ranking = nullptr) {
        if (!title.empty() && title != section_title_)
            out_.element("p", {{"style", "font-weight:600"}}, title);
        open_table();
        out_.open("tr");
        for (const Column &column : table.columns)
            out_.element("th",
                         {{"scope", "col"},
                          {"style", std::string(is_numeric(column.type) ? kNumber : kCell) +
                                        ";color:#566176;font-weight:500" +
                                        (is_numeric(column.type) ? "" : ";text-align:left")}},
                         said(column.title));
        out_.close().line();
        const Cells cells(document_, table);
        const size_t rows = std::min(table.rows(), room_.rows);
        for (size_t row = 0; row < rows; ++row) {
            out_.open("tr");
            for (size_t column = 0; column < table.columns.size(); ++column) {
                const bool number = is_numeric(table.columns[column].type);
                out_.open("td", {{"style", number ? kNumber : kCell}});
                out_.text(name(cells.shown(row, column)));
                if (column == 0 && ranking != nullptr && row < ranking->bars.size())
                    bar(share_of(*ranking, row));
                out_.close();
            }
            out_.close().line();
        }
        out_.close();
        tell_shortened(table.rows() - rows);
    }

    static double size_of(const Bar &bar) {
        const auto value = finite(bar.value);
        return value ? std::fabs(approximate(*value)) : 0;
    }
    static double share_of(const Ranking &ranking, size_t row) {
        double greatest = 0;
        for (const Bar &bar : ranking.bars) greatest = std::max(greatest, size_of(bar));
        return greatest > 0 ? size_of(ranking.bars[row]) / greatest : 0;
    }
    void bar(double share) {
        out_.element("div",
                     {{"style", fmt::format("height:4px;margin-top:3px;border-radius:2px;"
                                            "background:#4f46e5;width:{:.0f}%",
                                            100 * share)}},
                     "");
    }

    void tell_shortened(size_t rows) {
        if (rows > 0)
            out_.element("p", {{"style", kSmall}},
                         said(Phrase{"rows_shortened", {{"count", int64_t(rows)}}}))
                .line();
    }

    void write_links() {
        const size_t sections =
            document_.sections.size() - std::min(document_.sections.size(), room_.sections);
        if (sections > 0)
            out_.element("p", {{"style", kSmall}},
                         said(Phrase{"sections_shortened", {{"count", int64_t(sections)}}}));
        for (const Link &link : document_.links)
            if (is_web(link.url) && link.url.size() < 4000)
                out_.open("p")
                    .element("a", {{"href", link.url}, {"style", "color:#4f46e5"}},
                             said(link.label))
                    .close()
                    .line();
    }

    const Document &document_;
    Room room_;
    Markup out_;
    std::string section_title_;
};

}  // namespace

std::string mail_html(const Document &document) {
    std::string out;
    for (const Room &room : kRooms) {
        out = Mail(document, room).written();
        if (out.size() <= kMostMailBytes) break;
    }
    return out;
}

}  // namespace kpi::report
