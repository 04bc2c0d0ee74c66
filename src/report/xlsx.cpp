#include "report/xlsx.hpp"

#include <algorithm>
#include <map>

#include "core/error.hpp"
#include "core/utf8.hpp"
#include "report/calendar_words.hpp"
#include "report/cells.hpp"
#include "report/sentence.hpp"
#include "report/words.hpp"
#include "report/workbook.hpp"

namespace kpi::report {
namespace {

constexpr size_t kMostRows = 1'048'575;  // below the header
constexpr size_t kMostCharacters = 32'000;
// Indigo and grey: those of the page.
constexpr lxw_color_t kAccent = 0x4F46E5, kMute = 0x8290A6, kGood = 0x0A7048, kBand = 0xA5A1F2;

class Book {
public:
    Book(const Document &document, const XlsxOptions &options)
        : document_(document), options_(options), book_(options.folder) {}

    std::string written() {
        book_.set_title(clean(said(document_.title)), document_.as_of);
        write_summary();
        for (const Section &section : document_.sections)
            for (const Block &block : section.blocks)
                std::visit([&](const auto &one) { write(section, one); }, block);
        if (document_.data) write_table(*document_.data, said(phrase("data")));
        write_definitions();
        return std::move(book_).done();
    }

private:
    std::string said(const Text &text) const { return sentence(text, document_.language); }

    static void text(lxw_worksheet *sheet, size_t row, size_t column, std::string_view words,
                     lxw_format *format = nullptr) {
        const std::string fit = clipped(clean(words), kMostCharacters);
        worksheet_write_string(sheet, lxw_row_t(row), lxw_col_t(column), fit.c_str(), format);
    }

    void write_summary() {
        lxw_worksheet *const sheet = book_.add_sheet(said(phrase("summary"))).sheet;
        print_on_one_width(sheet);
        worksheet_set_column(sheet, 0, 0, 32, nullptr);
        worksheet_set_column(sheet, 1, 8, 18, nullptr);
        size_t row = 0;
        for (const std::string &part : headline_parts(document_)) {
            text(sheet, row, 0, part, row == 0 ? book_.title() : nullptr);
            ++row;
        }
        for (const Text &note : state_of(document_)) text(sheet, row++, 0, said(note));
        for (const Text &one : document_.summary) text(sheet, row++, 0, said(one));
        if (document_.figures.empty()) return;
        write_rows(sheet, row + 1, table_of(document_, document_.figures));
    }

    // The title of a block, or that of its section where it has none.
    std::string title_for(const Section &section, const Text &title) const {
        const std::string own = said(title);
        return own.empty() ? said(section.title) : own;
    }

    void write(const Section &, const Text &) {}
    void write(const Section &section, const Table &table) {
        write_table(table, title_for(section, table.title));
    }
    void write(const Section &, const Chart &chart) {
        const Metric &metric = metric_of(document_, chart.metric);
        const Table table = table_of(document_, chart);
        const auto sheet = write_table(table, title_of(metric));
        if (table.rows() > 0)
            place_chart(sheet, table, said(chart.title),
                        chart.shape == Shape::bars ? LXW_CHART_COLUMN : LXW_CHART_LINE);
    }
    void write(const Section &section, const Ranking &ranking) {
        const Table table = table_of(document_, ranking);
        const auto sheet = write_table(table, title_for(section, ranking.title));
        if (table.rows() > 0) place_chart(sheet, table, said(ranking.title), LXW_CHART_BAR);
    }
    void write(const Section &section, const Events &events) {
        Table table({{"state", phrase("state")},
                     {"event", phrase("event")},
                     {"began", phrase("when")},
                     {"duration", phrase("duration")},
                     {"owner", phrase("owner")},
                     {"note", phrase("note")}});
        for (const Event &event : events.events) {
            const std::string lasted = event.lasted ? duration_words(*event.lasted) : "";
            table.add_row({event_words(document_, event)[0], event.title, stamp(event.began),
                           event.ended ? lasted : said(phrase("open")), event.owner, event.note});
        }
        write_table(table, title_for(section, events.title));
    }
    static std::string stamp(Local time) {
        const int64_t minutes =
            (time.microseconds - midnight(date_of(time)).microseconds) / (60 * kSecond);
        std::string clock = std::to_string(10000 + minutes / 60 * 100 + minutes % 60);
        return iso(date_of(time)) + " " + clock.substr(1, 2) + ":" + clock.substr(3);
    }

    void write_definitions() {
        if (document_.definitions.empty()) return;
        Table table({{"metric", phrase("metric"), Type::metric},
                     {"formula", phrase("formula")},
                     {"description", phrase("description")}});
        for (const Definition &one : document_.definitions)
            table.add_row({one.metric, one.formula, one.description});
        write_table(table, said(phrase("definitions")));
    }

    static void print_on_one_width(lxw_worksheet *sheet) {
        constexpr uint8_t kA4 = 9;
        worksheet_set_landscape(sheet);
        worksheet_set_paper(sheet, kA4);
        worksheet_fit_to_pages(sheet, 1, 0);
    }

    Workbook::Sheet write_table(const Table &table, const std::string &title) {
        if (table.rows() > kMostRows)
            throw Error("54000", "the report has more rows than a sheet of a workbook", {},
                        "Ask for csv, or for fewer segments or days.");
        auto sheet = book_.add_sheet(title);
        for (size_t column = 0; column < table.columns.size(); ++column) {
            const Type type = table.columns[column].type;
            const bool words = type == Type::text || type == Type::metric;
            worksheet_set_column(sheet.sheet, lxw_col_t(column), lxw_col_t(column), words ? 30 : 16,
                                 nullptr);
        }
        print_on_one_width(sheet.sheet);
        worksheet_freeze_panes(sheet.sheet, 1, 1);
        if (table.rows() > 0)
            worksheet_autofilter(sheet.sheet, 0, 0, lxw_row_t(table.rows()),
                                 lxw_col_t(table.columns.size() - 1));
        write_rows(sheet.sheet, 0, table);
        return sheet;
    }

    void write_rows(lxw_worksheet *sheet, size_t top, const Table &table) {
        const Cells cells(document_, table);
        number_formats_.clear();
        // two lines of words: nothing fits rows to what is in them while they are written
        worksheet_set_row(sheet, lxw_row_t(top), 2 * LXW_DEF_ROW_HEIGHT, nullptr);
        for (size_t column = 0; column < table.columns.size(); ++column)
            text(sheet, top, column, said(table.columns[column].title), book_.head());
        for (size_t row = 0; row < table.rows(); ++row) {
            if (options_.breathe) options_.breathe();
            for (size_t column = 0; column < table.columns.size(); ++column)
                write_cell(sheet, top + 1 + row, table, cells, row, column);
        }
    }

    void write_cell(lxw_worksheet *sheet, size_t at, const Table &table, const Cells &cells,
                    size_t row, size_t column) {
        const auto cell = table.cell(row, column);
        if (!cell) return;
        switch (table.columns[column].type) {
            case Type::text:
            case Type::metric:
                text(sheet, at, column, cells.shown(row, column));
                return;
            case Type::date:
            case Type::week:
                write_date(sheet, at, column, *cell, "yyyy-mm-dd");
                return;
            case Type::month:
                write_date(sheet, at, column, *cell, "yyyy-mm");
                return;
            case Type::number:
            case Type::value: {
                if (const auto number = finite(cell))
                    write_number(sheet, at, column, *number,
                                 number_format(cells.format(row, column), *number));
                return;
            }
            case Type::change:
                write_change(sheet, at, column, *cell, cells.format(row, column).style);
                return;
        }
    }

    void write_number(lxw_worksheet *sheet, size_t row, size_t column, std::string_view number,
                      lxw_format *format) {
        worksheet_write_number(sheet, lxw_row_t(row), lxw_col_t(column), approximate(number),
                               format);
    }
    // Looked up by the place of the metric's or column's format: making a pattern costs more than
    // writing the cell.
    lxw_format *number_format(const Format &format, std::string_view number) {
        lxw_format *&known = number_formats_[{&format, decimals_of(format, number)}];
        if (known == nullptr) known = book_.pattern(pattern_of(format, number, document_.language));
        return known;
    }
    void write_change(lxw_worksheet *sheet, size_t row, size_t column, std::string_view by,
                      Style style) {
        const std::optional<std::string_view> change(by);
        if (by.ends_with("Infinity"))
            text(sheet, row, column, shown_change(change, style, document_.language).text);
        else if (const auto number = finite(change))
            write_number(sheet, row, column, *number,
                         book_.pattern(pattern_of_change(style, document_.language)));
    }
    // Spreadsheets count days from 1900; what is before that is a text.
    void write_date(lxw_worksheet *sheet, size_t row, size_t column, std::string_view day,
                    const char *pattern) {
        const Civil parts = civil(parse_date(day));
        if (parts.year < 1900 || parts.year > 9999) {
            text(sheet, row, column, day);
            return;
        }
        lxw_datetime when = {parts.year, parts.month, parts.day, 0, 0, 0};
        worksheet_write_datetime(sheet, lxw_row_t(row), lxw_col_t(column), &when,
                                 book_.pattern(pattern));
    }

    void place_chart(const Workbook::Sheet &sheet, const Table &table, const std::string &title,
                     uint8_t type) {
        lxw_chart *const chart = book_.add_chart(type);
        for (size_t column = 1; column < table.columns.size(); ++column) {
            const std::string &name = table.columns[column].name;
            if (table.columns[column].type != Type::number || name == "share") continue;
            // a range is no bar beside the others
            if (type == LXW_CHART_COLUMN && (name == "low" || name == "high")) continue;
            add_series(chart, sheet, table, column, type);
        }
        name_axes(chart, table, type);
        chart_title_set_name(chart, clipped(clean(title), 200).c_str());
        if (type == LXW_CHART_BAR) chart_axis_set_reverse(chart->y_axis);
        chart_legend_set_position(chart, LXW_CHART_LEGEND_BOTTOM);
        lxw_chart_options place = {};
        place.x_scale = 1.5;
        place.y_scale = 1.4;
        worksheet_insert_chart_opt(sheet.sheet, 1, lxw_col_t(table.columns.size() + 1), chart,
                                   &place);
    }

    // A chart shows the bare number of a day unless it is told.
    void name_axes(lxw_chart *chart, const Table &table, uint8_t type) const {
        const Type first = table.columns[0].type;
        if (first == Type::date || first == Type::week)
            chart_axis_set_num_format(chart->x_axis, "yyyy-mm-dd");
        if (first == Type::month) chart_axis_set_num_format(chart->x_axis, "yyyy-mm");
        Format format = table.columns[1].format;
        format.decimals = std::max(0, std::min(format.decimals, 1));
        const std::string pattern = pattern_of(format, "0", document_.language);
        // a library of bars on their side calls the axis of their numbers y, and writes it from x
        chart_axis_set_num_format(type == LXW_CHART_BAR ? chart->x_axis : chart->y_axis,
                                  pattern.c_str());
    }

    static void add_series(lxw_chart *chart, const Workbook::Sheet &sheet, const Table &table,
                           size_t column, uint8_t type) {
        lxw_chart_series *const series = chart_add_series(chart, nullptr, nullptr);
        const char *const name = sheet.name.c_str();
        const auto last = lxw_row_t(table.rows());
        const auto at = lxw_col_t(column);
        chart_series_set_categories(series, name, 1, 0, last, 0);
        chart_series_set_values(series, name, 1, at, last, at);
        chart_series_set_name_range(series, name, 0, at);
        const std::string &kind = table.columns[column].name;
        lxw_chart_line line = {};
        line.color = kAccent;
        line.width = 2.25;
        if (kind != "value") {
            line.color = kind == "before" ? kMute : kind == "target" ? kGood : kBand;
            line.width = 1.25;
            line.dash_type =
                kind == "before" ? LXW_CHART_LINE_DASH_ROUND_DOT : LXW_CHART_LINE_DASH_DASH;
        }
        lxw_chart_fill fill = {};
        fill.color = line.color;
        if (type == LXW_CHART_LINE)
            chart_series_set_line(series, &line);
        else
            chart_series_set_fill(series, &fill);
    }

    const Document &document_;
    const XlsxOptions &options_;
    Workbook book_;
    // Of formats of the document, and of tables made for a sheet: forgotten with each sheet.
    std::map<std::pair<const Format *, int>, lxw_format *> number_formats_;
};

}  // namespace

std::string xlsx(const Document &document, const XlsxOptions &options) {
    return Book(document, options).written();
}

}  // namespace kpi::report
