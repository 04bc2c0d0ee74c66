// A table of a report: typed columns, and cells kept end to end in one string, so that a million of
// them take some 15 MB. Cells are text as PostgreSQL writes it; a number keeps all its digits.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/text.hpp"

namespace kpi::report {

enum class Type : uint8_t {
    text,    // a name out of the database: escaped, never translated
    date,    // ISO; what is no ISO date is an error when it is written (22007)
    week,    // the ISO date of its first day, shown as a week
    month,   // likewise
    number,  // decimal text, shown in the column's format
    metric,  // the name of a metric of the document, shown as its title
    value,   // a number in the format of the metric that the row's metric column names
    // of such a number, or of one of the column's format, as change_of() gives it: per cent,
    change
    // of percentages points; "Infinity" (against 0) is shown as "new"
};

struct Column {
    std::string name;  // in csv and json: short, stable, one language
    Text title;        // for people
    Type type = Type::text;
    Format format = {};
};

// Called at each row of a table that is written whole: what it throws ends the writing.
using Breathe = std::function<void()>;

class Table {
public:
    Table() = default;
    explicit Table(std::vector<Column> its_columns, Text its_title = std::string())
        : title(std::move(its_title)), columns(std::move(its_columns)) {}

    // Cells row by row; nullopt is NULL. Errors: 54000 beyond 4 GB of text.
    void add(std::optional<std::string_view> cell);
    void add_row(const std::vector<std::optional<std::string_view>> &row);
    void reserve(size_t rows);

    // Whole rows: cells of an unfinished one are not counted.
    size_t rows() const { return columns.empty() ? 0 : ends_.size() / columns.size(); }
    std::optional<std::string_view> cell(size_t row, size_t column) const;
    // The first column of type metric; nullopt: there is none.
    std::optional<size_t> metric_column() const;

    Text title;
    std::vector<Column> columns;

private:
    // End of each cell in text_, twice; odd: NULL.
    std::vector<uint64_t> ends_;
    std::string text_;
};

}  // namespace kpi::report
