#include "report/csv.hpp"

#include "core/dates.hpp"
#include "report/numbers.hpp"

namespace kpi::report {
namespace {

void write_text(std::string &out, std::string_view text) {
    const bool formula = is_formula(text);
    if (!formula && !text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
        out += text;
        return;
    }
    out += formula ? "\"'" : "\"";
    for (const char c : text) {
        if (c == '"') out += '"';
        out += c;
    }
    out += '"';
}

void write_cell(std::string &out, std::optional<std::string_view> cell, Type type) {
    if (!cell) return;
    switch (type) {
        case Type::text:
        case Type::metric:
            write_text(out, *cell);
            return;
        case Type::date:
        case Type::week:
        case Type::month:
            (void)parse_date(*cell);
            out += *cell;
            return;
        case Type::number:
        case Type::change:
        case Type::value:
            if (const auto number = finite(cell)) out += *number;
            return;
    }
}

}  // namespace

bool is_formula(std::string_view text) {
    const size_t first = text.find_first_not_of(' ');
    return first != std::string_view::npos &&
           std::string_view("=+-@\t\r").find(text[first]) != std::string_view::npos;
}

std::string csv(const Table &table, const Breathe &breathe) {
    std::string out;
    const size_t width = table.columns.size();
    for (size_t column = 0; column < width; ++column) {
        if (column > 0) out += ',';
        write_text(out, table.columns[column].name);
    }
    out += "\r\n";
    for (size_t row = 0; row < table.rows(); ++row) {
        if (breathe) breathe();
        for (size_t column = 0; column < width; ++column) {
            if (column > 0) out += ',';
            write_cell(out, table.cell(row, column), table.columns[column].type);
        }
        out += "\r\n";
    }
    return out;
}

}  // namespace kpi::report
