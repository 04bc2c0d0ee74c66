// Ranges of a spreadsheet in A1 notation: 'Día 1'!B2:F, Leads!A:D, A1.
// Source: Google Sheets API guide, "Cell references".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kpi::net::sheets {

constexpr int64_t kMostColumns = 18'278;  // ZZZ

// Counted from 1. A single cell ends where it begins.
struct SheetRange {
    std::string sheet;            // without quotes; empty: the first one
    int64_t column = 1, row = 1;  // of the first cell
    int64_t last_column = 1;
    std::optional<int64_t> last_row = 1;  // nullopt: down to the end of the sheet
    bool single = true;                   // one cell was named, not an area

    int64_t columns() const { return last_column - column + 1; }
};

// nullopt: the text is the name of a sheet or of a range, or nothing.
std::optional<SheetRange> parse_range(std::string_view text);
// The sheet's name is always quoted.
std::string range_text(const SheetRange &range);
// `rows` by `columns` cells from (column, row) on, in the sheet of `range`.
SheetRange block_of(const SheetRange &range, int64_t column, int64_t row, int64_t columns,
                    std::optional<int64_t> rows);

}  // namespace kpi::net::sheets
