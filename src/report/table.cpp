#include "report/table.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace kpi::report {

constexpr size_t kMostText = size_t{4} << 30;

void Table::add(std::optional<std::string_view> cell) {
    if (cell) text_ += *cell;
    if (text_.size() > kMostText)
        throw Error("54000", "the table is too large for a report", {},
                    "Ask for fewer segments, metrics or days.");
    ends_.push_back(2 * text_.size() + (cell ? 0 : 1));
}

void Table::add_row(const std::vector<std::optional<std::string_view>> &row) {
    if (row.size() != columns.size())
        throw Error("XX000", "a row of a report has another number of cells than its table");
    for (const auto &cell : row) add(cell);
}

void Table::reserve(size_t rows) { ends_.reserve(rows * columns.size()); }

std::optional<std::string_view> Table::cell(size_t row, size_t column) const {
    const size_t at = row * columns.size() + column;
    const uint64_t end = ends_.at(at);
    if (end % 2 == 1) return std::nullopt;
    const uint64_t begin = at == 0 ? 0 : ends_[at - 1] / 2;
    return std::string_view(text_).substr(begin, end / 2 - begin);
}

std::optional<size_t> Table::metric_column() const {
    const auto found = std::find_if(columns.begin(), columns.end(), [](const Column &column) {
        return column.type == Type::metric;
    });
    if (found == columns.end()) return std::nullopt;
    return size_t(found - columns.begin());
}

}  // namespace kpi::report
