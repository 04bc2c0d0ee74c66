#include "report/html.hpp"

#include <algorithm>

#include "report/calendar_words.hpp"
#include "report/cells.hpp"
#include "report/drawing.hpp"
#include "report/page_table.hpp"
#include "report/sentence.hpp"
#include "report/stylesheet.hpp"
#include "report/words.hpp"

namespace kpi::report {
namespace {

const char *tone_of(Severity severity) {
    if (severity == Severity::critical) return "badge bad";
    return severity == Severity::warning ? "badge warn" : "badge";
}

class Page {
public:
    explicit Page(const Document &document) : document_(document) {}

    std::string written() {
        open_page();
        write_header();
        write_state();
        write_summary();
        write_figures();
        write_open();
        for (const Section &section : document_.sections) write_section(section);
        write_definitions();
        return "<!DOCTYPE html>\n" + std::move(out_).done() + "\n";
    }

private:
    std::string said(const Text &text) const { return sentence(text, document_.language); }
    std::string said_key(std::string_view key) const { return said(phrase(key)); }

    void open_page() {
        out_.open("html", {{"lang", std::string(code(document_.language))}}).open("head");
        out_.empty("meta", {{"charset", "utf-8"}});
        out_.empty("meta",
                   {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
        // nothing is loaded and nothing runs, whatever a name in the data holds
        out_.empty("meta", {{"http-equiv", "Content-Security-Policy"},
                            {"content", "default-src 'none'; style-src 'unsafe-inline'"}});
        out_.element("title", said(document_.title) + " · " +
                                  period_words(document_.period, document_.language));
        out_.style(kStylesheet).close().line();
        out_.open("body").open("main").line();
    }

    void write_header() {
        const Language language = document_.language;
        out_.open("header").open("div", {{"class", "line"}});
        out_.element("h1", said(document_.title));
        if (!document_.environment.empty())
            out_.element("span", {{"class", "badge"}}, document_.environment);
        out_.close().element("p", capitalised(period_words(document_.period, language)));
        if (document_.only) out_.element("p", said(*document_.only));
        if (document_.against)
            out_.element("p", said(Phrase{"against", {{"period", *document_.against}}}));
        if (document_.data_until)
            out_.element("p",
                         said(Phrase{"data_until",
                                     {{"time", *document_.data_until}, {"zone", document_.zone}}}));
        bool any = false;
        for (const Link &link : document_.links) {
            if (!is_web(link.url)) continue;
            if (!any) out_.open("p");
            if (any) out_.text(" · ");
            out_.element("a", {{"href", link.url}, {"rel", "noopener noreferrer"}},
                         said(link.label));
            any = true;
        }
        if (any) out_.close();
        out_.close().line();
    }

    void write_state() {
        const auto notes = state_of(document_);
        if (notes.empty()) return;
        out_.open("ul", {{"class", "state"}});
        for (const Text &note : notes) out_.element("li", said(note));
        out_.close().line();
    }

    void write_summary() {
        if (document_.summary.empty()) return;
        out_.open("div", {{"class", "summary"}});
        for (const Text &one : document_.summary) out_.element("p", said(one));
        out_.close().line();
    }

    void write_figures() {
        if (document_.figures.empty()) return;
        out_.element("h2", said_key("figures"));
        out_.open("ul", {{"class", "tiles"}}).line();
        for (const Figure &figure : document_.figures) write_figure(figure);
        out_.close().line();
    }

    void write_figure(const Figure &figure) {
        const Metric &metric = metric_of(document_, figure.metric);
        const Language language = document_.language;
        out_.open("li").element("h3", title_of(metric));
        out_.element("div", {{"class", "value"}},
                     shown(figure.value, metric.format, language, Length::brief));
        for (const Comparison &one : figure.comparisons) {
            out_.open("p", {{"class", "change"}});
            write_change(out_,
                         shown_change({figure.value, one.before, metric.format.style}, language),
                         metric.better);
            out_.text(" ")
                .element("span", said(Phrase{"against_value",
                                             {{"against", said(one.against)},
                                              {"before", shown(one.before, metric.format, language,
                                                               Length::brief)}}}))
                .close();
        }
        for (const std::string &words : figure_words(document_, metric, figure))
            out_.element("p", {{"class", "more"}}, words);
        if (figure.why) out_.element("p", {{"class", "why"}}, said(*figure.why));
        draw_sparkline(out_, figure.trend);
        out_.close().line();
    }

    void write_open() {
        if (!document_.open) return;
        out_.open("div", {{"class", "open"}}).element("b", open_words(document_));
        for (const Figure &figure : document_.figures)
            if (figure.pace) out_.element("span", pace_words(document_, figure));
        out_.close().line();
    }

    void write_section(const Section &section) {
        const auto is_chart = [](const Block &block) {
            return std::holds_alternative<Chart>(block);
        };
        const bool charts = section.blocks.size() > 1 &&
                            std::all_of(section.blocks.begin(), section.blocks.end(), is_chart);
        out_.open("section", {{"class", charts ? "charts" : ""}});
        out_.element("h2", {{"id", section.id}}, said(section.title)).line();
        section_title_ = said(section.title);
        for (const Block &block : section.blocks)
            std::visit([&](const auto &one) { write(one); }, block);
        out_.close().line();
    }

    void open_card(const Text &title) {
        out_.open("div", {{"class", "card"}});
        // what stands above the card is not said again in it
        const std::string words = said(title);
        if (!words.empty() && words != section_title_) out_.element("h3", words);
    }
    void close_card(const std::optional<Text> &note) {
        if (note) out_.element("p", {{"class", "note"}}, said(*note));
        out_.close().line();
    }

    void write(const Text &text) { out_.element("p", said(text)).line(); }
    void write(const Table &table) {
        open_card(table.title);
        if (table.rows() == 0)
            out_.element("p", {{"class", "none"}}, said_key("no_values"));
        else
            write_table(out_, document_, table, said(table.title));
        close_card({});
    }
    void write(const Chart &chart) {
        open_card(chart.title);
        draw_chart(out_, document_, chart);
        if (!chart.points.empty()) {
            out_.line().open("details").element("summary", said_key("show_numbers"));
            write_table(out_, document_, table_of(document_, chart), said(chart.title));
            out_.close();
        }
        close_card(chart.note);
    }
    void write(const Ranking &ranking) {
        open_card(ranking.title);
        write_ranking(out_, document_, ranking);
        close_card(ranking.note);
    }
    void write(const Events &events) {
        if (events.events.empty() && !events.none) return;
        open_card(events.title);
        if (events.events.empty()) {
            out_.element("p", {{"class", "none"}}, said(*events.none));
        } else {
            out_.open("ul", {{"class", "events"}});
            for (const Event &event : events.events) write_event(event);
            out_.close();
        }
        close_card({});
    }

    void write_event(const Event &event) {
        const auto words = event_words(document_, event);
        out_.open("li").element("span", {{"class", tone_of(event.severity)}}, words[0]);
        out_.element("b", words[1]).open("p");
        for (size_t i = 2; i < words.size(); ++i) out_.text(i == 2 ? words[i] : " · " + words[i]);
        out_.close().close().line();
    }

    void write_definitions() {
        if (document_.definitions.empty()) return;
        out_.open("section").element("h2", said_key("definitions"));
        out_.open("div", {{"class", "card"}}).open("dl");
        for (const Definition &one : document_.definitions) {
            out_.element("dt", title_of(metric_of(document_, one.metric)));
            if (!one.description.empty()) out_.element("dd", one.description);
            out_.open("dd").element("code", one.formula).close();
        }
        out_.close().close().close().line();
    }

    const Document &document_;
    Markup out_;
    std::string section_title_;
};

}  // namespace

std::string html(const Document &document) { return Page(document).written(); }

}  // namespace kpi::report
