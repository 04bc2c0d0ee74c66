#include "net/sink/sheets/fit.hpp"

#include <algorithm>
#include <map>

namespace kpi::net::sheets {
namespace {

using nlohmann::json;

// the size of a new sheet, as Google makes it
constexpr int64_t kRows = 1000, kColumns = 26;

// The least that a sheet must have for the message.
struct Need {
    int64_t rows = 1, columns = 1;
};

std::map<std::string, Need> needs(const SheetsMessage &message) {
    std::map<std::string, Need> result;
    for (const SheetsBlock &block : message.blocks) {
        if (!block.place) continue;
        const SheetRange &place = *block.place;
        int64_t rows = place.row, columns = place.column + block.width() - 1;
        if (message.mode != SheetsMode::append) rows += std::max<int64_t>(block.height(), 1) - 1;
        if (message.mode == SheetsMode::replace) {
            // the rows to be emptied begin behind the last one
            rows = place.last_row.value_or(place.row + block.height());
            columns = place.last_column;
        }
        if (message.key_columns > 0)
            columns = std::max(columns, place.column + message.key_columns - 1);
        Need &need = result[place.sheet];
        need.rows = std::max(need.rows, rows);
        need.columns = std::max(need.columns, columns);
    }
    return result;
}

json found_sheet(const json &sheets, const std::string &name) {
    for (const json &sheet : sheets) {
        json properties = sheet.value("properties", json::object());
        if (name.empty() ? !properties.value("hidden", false)
                         : properties.value("title", json()) == name)
            return properties;
    }
    return nullptr;
}

json growth(const json &sheet, const Need &need) {
    json requests = json::array();
    const json grid = sheet.value("gridProperties", json::object());
    const auto grow = [&](const char *dimension, int64_t more) {
        if (more > 0)
            requests.push_back({{"appendDimension",
                                 {{"sheetId", sheet.value("sheetId", 0)},
                                  {"dimension", dimension},
                                  {"length", more}}}});
    };
    grow("ROWS", need.rows - grid.value("rowCount", int64_t(0)));
    grow("COLUMNS", need.columns - grid.value("columnCount", int64_t(0)));
    return requests;
}

json new_sheet(const std::string &name, const Need &need) {
    return {{"addSheet",
             {{"properties",
               {{"title", name},
                {"gridProperties",
                 {{"rowCount", std::max(need.rows, kRows)},
                  {"columnCount", std::max(need.columns, kColumns)}}}}}}}};
}
}  // namespace

json fitting(const SheetsMessage &message, const json &sheets, bool create_sheet,
             std::string &missing) {
    json requests = json::array();
    for (const auto &[name, need] : needs(message)) {
        const json sheet = found_sheet(sheets, name);
        if (!sheet.is_null()) {
            for (json &request : growth(sheet, need)) requests.push_back(std::move(request));
        } else if (create_sheet && !name.empty()) {
            requests.push_back(new_sheet(name, need));
        } else {
            missing = name;
            return json::array();
        }
    }
    return requests;
}

}  // namespace kpi::net::sheets
