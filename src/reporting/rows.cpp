#include "reporting/rows.hpp"

#include <nlohmann/json.hpp>

#include "report/csv.hpp"
#include "report/numbers.hpp"

namespace kpi::reporting {
namespace {

using nlohmann::json;
using report::Type;

constexpr size_t kWholeDigits = 15;  // of which a double holds every one

json number(std::string_view decimal) {
    const size_t sign = decimal.front() == '-' ? 1 : 0;
    if (decimal.find('.') == std::string_view::npos && decimal.size() - sign > kWholeDigits)
        return std::string(decimal);
    return report::approximate(decimal);
}

json text(std::string_view words, bool typed) {
    return (typed && report::is_formula(words) ? "'" : "") + std::string(words);
}

json cell(std::optional<std::string_view> value, Type type, bool typed) {
    if (!value) return nullptr;
    switch (type) {
        case Type::number:
        case Type::change:
        case Type::value: {
            const auto decimal = report::finite(value);
            return decimal ? number(*decimal) : json(nullptr);
        }
        case Type::text:
        case Type::metric:
            return text(*value, typed);
        case Type::date:
        case Type::week:
        case Type::month:
            break;
    }
    return std::string(*value);
}

}  // namespace

std::string rows_message(const report::Document &document, bool typed) {
    const report::Table &table = document.data.value();
    json values = json::array();
    json &head = values.emplace_back(json::array());
    for (const auto &column : table.columns) head.push_back(text(column.name, typed));
    for (size_t row = 0; row < table.rows(); ++row) {
        json &cells = values.emplace_back(json::array());
        for (size_t column = 0; column < table.columns.size(); ++column)
            cells.push_back(cell(table.cell(row, column), table.columns[column].type, typed));
    }
    return json{{"mode", "replace"}, {"values", std::move(values)}}.dump();
}

}  // namespace kpi::reporting
