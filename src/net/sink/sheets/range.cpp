#include "net/sink/sheets/range.hpp"

#include <fmt/format.h>

namespace kpi::net::sheets {
namespace {

constexpr int64_t kMostRows = 10'000'000;  // of cells in a spreadsheet

struct Cell {
    int64_t column = 0, row = 0;  // 0: not named
};

std::optional<Cell> parse_cell(std::string_view text) {
    Cell cell;
    size_t at = 0;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        const int letter = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' : -1;
        if (letter < 0) break;
        cell.column = cell.column * 26 + letter + 1;
        if (cell.column > kMostColumns) return std::nullopt;
    }
    const size_t digits = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
        cell.row = cell.row * 10 + (text[at] - '0');
        if (cell.row > kMostRows) return std::nullopt;
    }
    if (at != text.size() || cell.column == 0 || (at > digits && cell.row == 0))
        return std::nullopt;
    return cell;
}

bool parse_cells(std::string_view text, SheetRange &range) {
    const size_t colon = text.find(':');
    const auto first = parse_cell(text.substr(0, colon));
    if (!first) return false;
    range.column = range.last_column = first->column;
    if (colon == std::string_view::npos) {
        range.row = first->row;
        range.last_row = first->row;
        return first->row != 0;
    }
    const auto last = parse_cell(text.substr(colon + 1));
    if (!last) return false;
    range.single = false;
    range.row = first->row == 0 ? 1 : first->row;
    range.last_column = last->column;
    range.last_row = last->row == 0 ? std::nullopt : std::optional(last->row);
    return range.last_column >= range.column && (!range.last_row || *range.last_row >= range.row);
}

// The name in quotes at the head of `text`, which loses it and the mark behind it.
std::optional<std::string> quoted_name(std::string_view &text) {
    std::string name;
    for (size_t at = 1; at < text.size(); ++at) {
        if (text[at] != '\'') {
            name += text[at];
            continue;
        }
        if (text.substr(at + 1).starts_with('\'')) {
            name += text[at++];
            continue;
        }
        if (name.empty() || !text.substr(at + 1).starts_with('!')) return std::nullopt;
        text.remove_prefix(at + 2);
        return name;
    }
    return std::nullopt;
}

std::string column_text(int64_t column) {
    std::string text;
    for (; column > 0; column = (column - 1) / 26)
        text.insert(text.begin(), char('A' + (column - 1) % 26));
    return text;
}

}  // namespace

std::optional<SheetRange> parse_range(std::string_view text) {
    SheetRange range;
    if (text.starts_with('\'')) {
        const auto name = quoted_name(text);
        if (!name) return std::nullopt;
        range.sheet = *name;
    } else if (const size_t mark = text.rfind('!'); mark != std::string_view::npos) {
        range.sheet = text.substr(0, mark);
        if (range.sheet.empty()) return std::nullopt;
        text.remove_prefix(mark + 1);
    }
    if (!parse_cells(text, range)) return std::nullopt;
    return range;
}

std::string range_text(const SheetRange &range) {
    std::string text;
    if (!range.sheet.empty()) {
        text = "'";
        for (const char c : range.sheet) text += c == '\'' ? "''" : std::string(1, c);
        text += "'!";
    }
    text += fmt::format("{}{}", column_text(range.column), range.row);
    if (range.single) return text;
    text += ":" + column_text(range.last_column);
    return range.last_row ? text + std::to_string(*range.last_row) : text;
}

SheetRange block_of(const SheetRange &range, int64_t column, int64_t row, int64_t columns,
                    std::optional<int64_t> rows) {
    SheetRange block;
    block.sheet = range.sheet;
    block.column = column;
    block.row = row;
    block.last_column = column + columns - 1;
    block.last_row = rows ? std::optional(row + *rows - 1) : std::nullopt;
    block.single = false;
    return block;
}

}  // namespace kpi::net::sheets
