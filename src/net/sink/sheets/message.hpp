// What a message to Google Sheets holds, checked. The forms are at the head of sheets.cpp.
// Source: Google Sheets API v4, ValueRange; "File types you can store in Google Drive" (limits).
// Errors: 22023 with a hint.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "net/sink/kind.hpp"
#include "net/sink/sheets/range.hpp"

namespace kpi::net::sheets {

enum class SheetsMode {
    update,   // the cells are written where they are
    replace,  // and the rest of the range is emptied
    append,   // rows are added, or take the place of those with the same key
    batch,    // Google's own requests
    check,    // nothing is changed
};

struct SheetsBlock {
    std::string range;                // as it is sent
    std::optional<SheetRange> place;  // nullopt: the name of a sheet or of a range
    nlohmann::json rows;              // arrays of texts, numbers and truths

    int64_t height() const { return int64_t(rows.size()); }
    int64_t width() const;  // of the longest row
};

struct SheetsMessage {
    SheetsMode mode = SheetsMode::update;
    std::string spreadsheet;          // its id
    std::vector<SheetsBlock> blocks;  // append: one
    int64_t key_columns = 0;          // append: so many cells at the start of a row are its key
    nlohmann::json requests;          // batch
};

SheetsMessage sheets_message(const Sink &sink, const Message &message);
// RAW or USER_ENTERED.
std::string value_input_option(const Sink &sink);
// The id in a text that is one, or the address of a spreadsheet.
std::string spreadsheet_id(const std::string &text);

// The first `columns` cells of a row, as a text that is the same for the same values. A cell that
// is not there is an empty text.
std::string row_key(const nlohmann::json &row, int64_t columns);

}  // namespace kpi::net::sheets
