#include "report/json.hpp"

#include <fmt/format.h>

#include "core/utf8.hpp"
#include "report/cells.hpp"
#include "report/numbers.hpp"
#include "report/sentence.hpp"

namespace kpi::report {
namespace {

void write_string(std::string &out, std::string_view text) {
    out += '"';
    for (const char c : clean(text)) {
        if (c == '"' || c == '\\')
            (out += '\\') += c;
        else if (static_cast<unsigned char>(c) < 0x20)
            out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        else
            out += c;
    }
    out += '"';
}

// Writes objects and arrays, and the commas between what is in them.
class Json {
public:
    Json(Language language, const Breathe &breathe) : language_(language), breathe_(breathe) {}

    void breathe() const {
        if (breathe_) breathe_();
    }

    void open(char bracket) {
        separate();
        out_ += bracket;
        fresh_ = true;
    }
    void close(char bracket) {
        out_ += bracket;
        fresh_ = false;
    }
    Json &key(std::string_view name) {
        separate();
        write_string(out_, name);
        out_ += ':';
        fresh_ = true;
        return *this;
    }
    void text(std::string_view value) {
        separate();
        write_string(out_, value);
    }
    void text(const Text &value) { text(std::string_view(sentence(value, language_))); }
    void raw(std::string_view value) {
        separate();
        out_ += value;
    }
    void number(const std::optional<std::string_view> &value) {
        raw(finite(value).value_or("null"));
    }
    void day(Date value) { text(std::string_view(iso(value))); }
    void time(Local value) {
        const Date date = date_of(value);
        const int64_t seconds = (value.microseconds - midnight(date).microseconds) / kSecond;
        text(std::string_view(fmt::format("{}T{:02}:{:02}:{:02}", iso(date), seconds / 3600,
                                          seconds / 60 % 60, seconds % 60)));
    }
    void period(const Period &value) {
        open('{');
        key("first").day(value.first);
        key("last").day(value.last);
        close('}');
    }
    // What is not there is not written.
    void number_of(std::string_view name, const std::optional<Decimal> &value) {
        if (value) key(name).number(*value);
    }
    void text_of(std::string_view name, const std::optional<Text> &value) {
        if (value) key(name).text(*value);
    }
    void text_of(std::string_view name, const std::string &value) {
        if (!value.empty()) key(name).text(std::string_view(value));
    }
    std::string done() && { return std::move(out_) + "\n"; }

private:
    void separate() {
        if (!fresh_ && !out_.empty()) out_ += ',';
        fresh_ = false;
    }

    Language language_;
    const Breathe &breathe_;
    std::string out_;
    bool fresh_ = true;
};

template <typename List, typename Write>
void write_list(Json &json, std::string_view name, const List &list, Write write) {
    json.key(name).open('[');
    for (const auto &item : list) write(json, item);
    json.close(']');
}

void write_format(Json &json, const Format &format) {
    json.key("style").text(std::string_view(format.style == Style::money     ? "money"
                                            : format.style == Style::percent ? "percent"
                                                                             : "number"));
    json.text_of("unit", format.unit);
    if (format.decimals >= 0) json.key("decimals").raw(std::to_string(format.decimals));
}

void write_metric(Json &json, const Metric &metric) {
    json.open('{');
    json.key("name").text(std::string_view(metric.name));
    json.key("title").text(std::string_view(title_of(metric)));
    write_format(json, metric.format);
    json.close('}');
}

void write_interval(Json &json, std::string_view name, const std::optional<Interval> &interval) {
    if (!interval) return;
    json.key(name).open('{');
    json.key("low").number(interval->low);
    json.key("high").number(interval->high);
    json.close('}');
}

void write_figure(Json &json, const Figure &figure) {
    json.open('{');
    json.key("metric").text(std::string_view(figure.metric));
    json.key("value").number(finite(figure.value));
    write_list(json, "comparisons", figure.comparisons, [](Json &to, const Comparison &one) {
        to.open('{');
        to.key("against").text(one.against);
        to.key("before").number(finite(one.before));
        to.close('}');
    });
    write_interval(json, "expected", figure.expected);
    if (figure.pace) {
        json.key("pace").open('{');
        json.key("value").number(figure.pace->value);
        json.number_of("expected", figure.pace->expected);
        write_interval(json, "range", figure.pace->range);
        json.close('}');
    }
    json.number_of("share", figure.share);
    if (figure.target) {
        json.key("target").open('{');
        json.key("value").number(figure.target->value);
        json.number_of("due", figure.target->due);
        json.close('}');
    }
    if (!figure.trend.empty())
        write_list(json, "trend", figure.trend,
                   [](Json &to, const auto &value) { to.number(finite(value)); });
    json.text_of("why", figure.why);
    json.close('}');
}

void write_cell(Json &json, const std::optional<std::string_view> &cell, Type type) {
    if (is_numeric(type) || !cell)
        json.number(cell);
    else
        json.text(*cell);
}

void write_table(Json &json, const Table &table) {
    json.key("title").text(table.title);
    write_list(json, "columns", table.columns,
               [](Json &to, const Column &column) { to.text(std::string_view(column.name)); });
    json.key("rows").open('[');
    for (size_t row = 0; row < table.rows(); ++row) {
        json.breathe();
        json.open('[');
        for (size_t column = 0; column < table.columns.size(); ++column)
            write_cell(json, table.cell(row, column), table.columns[column].type);
        json.close(']');
    }
    json.close(']');
}

void write_point(Json &json, const Point &point) {
    json.open('{');
    json.key("day").day(point.day);
    json.key("value").number(finite(point.value));
    json.number_of("low", point.low);
    json.number_of("high", point.high);
    json.number_of("before", point.before);
    json.number_of("target", point.target);
    if (point.open) json.key("open").raw("true");
    json.close('}');
}

void write_bar(Json &json, const Bar &bar) {
    json.open('{');
    json.key("segment").text(std::string_view(bar.label));
    json.key("value").number(finite(bar.value));
    json.number_of("before", bar.before);
    json.number_of("share", bar.share);
    json.close('}');
}

void write_event(Json &json, const Event &event) {
    json.open('{');
    json.key("severity")
        .text(std::string_view(event.severity == Severity::critical  ? "critical"
                               : event.severity == Severity::warning ? "warning"
                                                                     : "info"));
    json.key("title").text(std::string_view(event.title));
    json.key("began").time(event.began);
    if (event.ended) json.key("ended").time(*event.ended);
    if (event.lasted) json.key("seconds").raw(std::to_string(event.lasted->count));
    json.text_of("owner", event.owner);
    json.text_of("note", event.note);
    json.close('}');
}

struct Writer {
    Json &json;

    void operator()(const Text &text) const { json.key("text").text(text); }
    void operator()(const Table &table) const { write_table(json, table); }
    void operator()(const Chart &chart) const {
        json.key("title").text(chart.title);
        json.key("metric").text(std::string_view(chart.metric));
        write_list(json, "points", chart.points, write_point);
        json.text_of("note", chart.note);
    }
    void operator()(const Ranking &ranking) const {
        json.key("title").text(ranking.title);
        json.key("metric").text(std::string_view(ranking.metric));
        write_list(json, "segments", ranking.bars, write_bar);
        if (ranking.rest) {
            json.key("others");
            write_bar(json, *ranking.rest);
        }
        json.text_of("note", ranking.note);
    }
    void operator()(const Events &events) const {
        json.key("title").text(events.title);
        write_list(json, "events", events.events, write_event);
    }
};

void write_section(Json &json, const Section &section) {
    json.open('{');
    json.key("id").text(std::string_view(section.id));
    json.key("title").text(section.title);
    write_list(json, "blocks", section.blocks, [](Json &to, const Block &block) {
        to.open('{');
        std::visit(Writer{to}, block);
        to.close('}');
    });
    json.close('}');
}

void write_head(Json &json, const Document &document) {
    json.key("report").text(std::string_view(document.name));
    json.key("title").text(document.title);
    json.text_of("environment", document.environment);
    json.text_of("only", document.only);
    json.key("language").text(code(document.language));
    json.key("period").period(document.period);
    if (document.against) json.key("against").period(*document.against);
    json.key("as_of").day(document.as_of);
    if (document.data_until) json.key("data_until").time(*document.data_until);
    json.text_of("time_zone", document.zone);
    json.key("version").raw(std::to_string(document.version));
}

}  // namespace

std::string json(const Document &document, const Breathe &breathe) {
    Json out(document.language, breathe);
    const auto write_text = [](Json &to, const Text &text) { to.text(text); };
    out.open('{');
    write_head(out, document);
    write_list(out, "metrics", document.metrics, write_metric);
    write_list(out, "notes", document.notes, write_text);
    write_list(out, "summary", document.summary, write_text);
    write_list(out, "figures", document.figures, write_figure);
    if (document.open) {
        out.key("open").open('{');
        out.key("period").period(document.open->period);
        out.key("until").time(document.open->until);
        out.key("elapsed_percent").number(document.open->elapsed_percent);
        out.close('}');
    }
    write_list(out, "sections", document.sections, write_section);
    if (document.data) {
        out.key("data").open('{');
        write_table(out, *document.data);
        out.close('}');
    }
    write_list(out, "definitions", document.definitions, [](Json &to, const Definition &one) {
        to.open('{');
        to.key("metric").text(std::string_view(one.metric));
        to.key("formula").text(std::string_view(one.formula));
        to.text_of("description", one.description);
        to.close('}');
    });
    write_list(out, "links", document.links, [](Json &to, const Link &link) {
        to.open('{');
        to.key("label").text(link.label);
        to.key("url").text(std::string_view(link.url));
        to.close('}');
    });
    out.close('}');
    return std::move(out).done();
}

}  // namespace kpi::report
