// Sheets that are missing or too small for a message, and Google's requests that mend it.
// Source: Google Sheets API v4, AddSheetRequest and AppendDimensionRequest of batchUpdate.
// Errors: none.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "net/sink/sheets/message.hpp"

namespace kpi::net::sheets {

// `sheets`: Spreadsheet.sheets with their properties. Empty when there is nothing to mend, or when
// a sheet is missing and may not be made: `missing` is then its name.
nlohmann::json fitting(const SheetsMessage &message, const nlohmann::json &sheets,
                       bool create_sheet, std::string &missing);

}  // namespace kpi::net::sheets
