#include "net/sink/sheets/message.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "core/error.hpp"
#include "net/text/text.hpp"

namespace kpi::net::sheets {
namespace {

using nlohmann::json;

constexpr size_t kMostBytes = 10 << 20;       // of a request
constexpr size_t kMostCharacters = 50'000;    // of a cell
constexpr int64_t kExact = int64_t(1) << 53;  // a larger whole number may change as a double
constexpr size_t kMostRequests = 1000;        // of a batch
constexpr std::array<std::string_view, 7> kFields = {
    "spreadsheet", "mode", "range", "values", "data", "key_columns", "batch"};

[[noreturn]] void refuse(std::string what, std::string hint = {}) {
    throw Error("22023", std::move(what), {}, std::move(hint));
}

const json *field(const json &object, const char *name) {
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text_field(const json &object, const char *name, const std::string &otherwise) {
    const json *found = field(object, name);
    if (found == nullptr) return otherwise;
    if (!found->is_string()) refuse(fmt::format("\"{}\" of a sheets message must be a text", name));
    return found->get<std::string>();
}

// Google skips a null, which would leave what the cell held before: it is written as nothing.
json checked_cell(const json &cell) {
    if (cell.is_null()) return "";
    if (cell.is_structured())
        refuse("a cell of a sheets message must be a text, a number, true, false or null");
    if (cell.is_string() && utf16_units(cell.get_ref<const std::string &>()) > kMostCharacters)
        refuse(fmt::format("a cell of a spreadsheet has at most {} characters", kMostCharacters));
    const bool whole = cell.is_number_integer();
    if (whole && (cell.is_number_unsigned() ? cell.get<uint64_t>() > uint64_t(kExact)
                                            : cell.get<int64_t>() < -kExact))
        refuse("a spreadsheet cannot hold so large a whole number exactly",
               "Numbers are doubles there; send an identifier as a text.");
    return cell;
}

json checked_rows(const json &object) {
    const json *values = field(object, "values");
    if (values == nullptr || !values->is_array())
        refuse("\"values\" of a sheets message must be an array of rows",
               "It looks like [[\"day\", \"leads\"], [\"2026-11-24\", 17]].");
    json rows = json::array();
    for (const json &row : *values) {
        if (!row.is_array()) refuse("a row of a sheets message must be an array of cells");
        json cells = json::array();
        for (const json &cell : row) cells.push_back(checked_cell(cell));
        rows.push_back(std::move(cells));
    }
    return rows;
}

void check_place(const SheetsBlock &block, SheetsMode mode) {
    if (mode == SheetsMode::replace && (!block.place || block.place->single))
        refuse("mode replace needs a range with its columns, such as Report!A1:H",
               "Everything in that range that the values do not fill is emptied.");
    if (!block.place) {
        if (block.range.empty() || block.range.find('!') != std::string::npos)
            refuse("the range of a sheets message is not in A1 notation",
                   "It looks like Leads!A1, 'Day 1'!B2:F or A:D.");
        return;
    }
    const SheetRange &place = *block.place;
    if (place.column + block.width() - 1 > kMostColumns)
        refuse("the values of a sheets message go beyond the last column of a sheet");
    if (mode == SheetsMode::append || place.single) return;
    if (block.width() > place.columns() ||
        (place.last_row && place.row + block.height() - 1 > *place.last_row))
        refuse("the values of a sheets message do not fit into their range",
               "Name the first cell alone, or a range down to the end such as A1:H.");
}

SheetsBlock checked_block(const json &object, const std::string &range, SheetsMode mode) {
    SheetsBlock block;
    block.range = text_field(object, "range", range);
    block.place = parse_range(block.range);
    block.rows = checked_rows(object);
    check_place(block, mode);
    if (block.place) block.range = range_text(*block.place);
    if (block.width() == 0 && mode != SheetsMode::replace)
        refuse("a sheets message needs at least one cell",
               "Mode replace takes no rows too: it empties the range.");
    return block;
}

SheetsMode mode_of(const json &body) {
    const std::string name = text_field(body, "mode", body.contains("batch") ? "batch" : "update");
    constexpr std::array<std::string_view, 5> kModes = {"update", "replace", "append", "batch",
                                                        "check"};
    const auto *const found = std::find(kModes.begin(), kModes.end(), name);
    if (found == kModes.end())
        refuse(fmt::format("a sheets message has no mode \"{}\"", excerpt(name)),
               "Modes are update, replace and append.");
    return SheetsMode(found - kModes.begin());
}

// A row would be taken for another one, or for none.
void check_keys(const SheetsMessage &made, const Sink &sink) {
    const SheetsBlock &block = made.blocks[0];
    if (!block.place)
        refuse("an append with key_columns needs a range in A1 notation, such as Leads!A1");
    if (value_input_option(sink) != "RAW")
        refuse("an append with key_columns needs value_input RAW",
               "With USER_ENTERED the sheet may hold another value than the message.");
    const std::string none = row_key(json::array(), made.key_columns);
    std::set<std::string> keys;
    for (const json &row : block.rows) {
        const std::string key = row_key(row, made.key_columns);
        if (key == none) refuse("a row of a sheets message has an empty key");
        if (!keys.insert(key).second)
            refuse(fmt::format("two rows of a sheets message have the key {}", excerpt(key, 80)),
                   "The first key_columns cells of a row must name it.");
    }
}

void read_append(SheetsMessage &made, const json &body, const Sink &sink) {
    if (made.blocks.size() != 1) refuse("mode append takes one range");
    const json *columns = field(body, "key_columns");
    if (columns == nullptr) return;
    if (!columns->is_number_integer() || *columns < 0 || *columns > 100)
        refuse("\"key_columns\" of a sheets message must be a whole number, 0 to 100");
    made.key_columns = columns->get<int64_t>();
    if (made.key_columns > 0) check_keys(made, sink);
}

json checked_requests(const json &body) {
    const json *batch = field(body, "batch");
    const json *requests =
        batch == nullptr || !batch->is_object() ? nullptr : field(*batch, "requests");
    const bool usable = requests != nullptr && requests->is_array() && !requests->empty() &&
                        requests->size() <= kMostRequests && batch->size() == 1 &&
                        std::all_of(requests->begin(), requests->end(), [](const json &one) {
                            return one.is_object() && one.size() == 1;
                        });
    if (!usable || field(body, "values") != nullptr || field(body, "data") != nullptr)
        refuse("\"batch\" of a sheets message must be {\"requests\": [...]}",
               "They are the requests of Google's spreadsheets.batchUpdate, at most 1000; values "
               "go into a message of their own.");
    return *requests;
}

std::vector<SheetsBlock> checked_blocks(const json &body, const Sink &sink, SheetsMode mode) {
    const std::string range = text_option(sink, "range");
    const json *data = field(body, "data");
    if (data == nullptr) return {checked_block(body, range, mode)};
    if (!data->is_array() || data->empty() || body.contains("values") || body.contains("range"))
        refuse("\"data\" of a sheets message must be an array of {\"range\", \"values\"}",
               "It takes the place of \"range\" and \"values\".");
    std::vector<SheetsBlock> blocks;
    for (const json &one : *data) {
        if (!one.is_object()) refuse("\"data\" of a sheets message must hold objects");
        blocks.push_back(checked_block(one, {}, mode));
    }
    return blocks;
}

}  // namespace

int64_t SheetsBlock::width() const {
    size_t most = 0;
    for (const json &row : rows) most = std::max(most, row.size());
    return int64_t(most);
}

std::string spreadsheet_id(const std::string &text) {
    const size_t mark = text.find("/d/");
    std::string id = mark == std::string::npos ? text : text.substr(mark + 3);
    if (mark != std::string::npos) id = id.substr(0, id.find_first_of("/?#"));
    const bool valid =
        !id.empty() && id.size() <= 200 && std::all_of(id.begin(), id.end(), [](char c) {
            return is_alphanumeric(c) || c == '-' || c == '_';
        });
    if (!valid)
        refuse("the spreadsheet of a sheets sink is not valid",
               "It is what stands between /d/ and /edit in the address of the spreadsheet.");
    return id;
}

std::string value_input_option(const Sink &sink) {
    std::string option = text_option(sink, "value_input", "RAW");
    if (option != "RAW" && option != "USER_ENTERED")
        refuse("option \"value_input\" of the sink must be RAW or USER_ENTERED",
               "USER_ENTERED runs formulas in texts that come from data.");
    return option;
}

std::string row_key(const json &row, int64_t columns) {
    json key = json::array();
    for (size_t at = 0; at < size_t(columns); ++at) {
        const json cell = at < row.size() ? row[at] : json("");
        key.push_back(cell.is_number() ? json(cell.get<double>()) : cell);
    }
    return key.dump(-1, ' ', false, json::error_handler_t::replace);
}

SheetsMessage sheets_message(const Sink &sink, const Message &message) {
    if (message.content)
        refuse("a spreadsheet takes no files",
               "Send the rows as values; a file goes to a sink of kind slack, smtp, s3 or file.");
    if (message.body.size() > kMostBytes)
        refuse("a message to Google Sheets has at most 10 MiB", "Send the rows in several.");
    const json body = parsed(message);
    for (const auto &[key, value] : body.items())
        if (std::find(kFields.begin(), kFields.end(), key) == kFields.end())
            refuse(fmt::format("a sheets message has no \"{}\"", excerpt(key)),
                   "It has spreadsheet, mode, range, values, key_columns, data and batch.");
    SheetsMessage made;
    made.mode = mode_of(body);
    made.spreadsheet =
        spreadsheet_id(text_field(body, "spreadsheet", text_option(sink, "spreadsheet")));
    if (made.mode == SheetsMode::batch) {
        made.requests = checked_requests(body);
        return made;
    }
    if (body.contains("batch")) refuse("a batch of a sheets message has no mode");
    if (made.mode == SheetsMode::check) return made;
    made.blocks = checked_blocks(body, sink, made.mode);
    if (made.mode == SheetsMode::append)
        read_append(made, body, sink);
    else if (field(body, "key_columns") != nullptr)
        refuse("\"key_columns\" of a sheets message is for mode append");
    return made;
}

}  // namespace kpi::net::sheets
