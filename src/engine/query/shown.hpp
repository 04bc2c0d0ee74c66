// What kpi.query shows beside the values, and in which order: shares, running totals, moving
// averages, the words of order_by. Works on a grid that is complete; linear in its values, a sort
// for order_by. Errors: 53400 for more memory than a read may use.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/query/grid.hpp"

namespace kpi::engine {

// show => '{share,running,avg7}'
struct Shown {
    bool share = false, running = false;
    int average = 0;  // buckets; 0: none
};
// Errors: 22023 for another word.
Shown parse_shown(const std::vector<std::string> &words);

// By series of the grid, by bucket; empty what is not shown.
struct Extras {
    std::vector<std::vector<pg::Number>> share, running, average;
};
Extras extras(const Shown &shown, const Group &group, const Grid &grid);

// order_by => 'value desc'
enum class OrderColumn { bucket, segment, metric, value, compared, change };
struct Order {
    OrderColumn column = OrderColumn::value;
    bool descending = false;
};
// Errors: 22023.
std::optional<Order> parse_order(const std::optional<std::string> &text);

}  // namespace kpi::engine
