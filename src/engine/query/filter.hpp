// Filters of a query: which segments count.
//   {"country": "MX"}                   equal
//   {"country": ["MX", "ES"]}           any of these
//   {"country": {"not": "MX"}}          different, NULL too
//   {"country": {"not": ["MX", null]}}  none of these, not NULL
//   {"country": null}                   no value
//   {"country": {"like": "M%"}}         patterns, one or a list; {"not_like": ...} likewise, NULL
//                                       too
// Values are compared as the dimension's own type, by its default equality and the view's
// collation; a value that is none of that type (a label that the enum lacks) is PostgreSQL's own
// error.
#pragma once

#include <string>
#include <vector>

#include "engine/registry/source_info.hpp"

namespace kpi::engine {

struct Filter {
    std::string dimension;
    bool negated = false;
    bool like = false;  // values are patterns
    std::vector<std::string> values;
    bool with_null = false;  // NULL is among the values

    // Equality with exactly one value or NULL: with all dimensions of a level pinned, rows are
    // found by the index's hash.
    bool is_equality() const { return !negated && !like; }
};

// Needs an open Spi. Errors: 22023 for another shape than the above.
std::vector<Filter> parse_filters(const std::string &jsonb);

// Errors: the type's own (22P02, 22003, ...) when a value of the filter is none of the dimension's
// type; it names the dimension.
void check_values(const Filter &filter, const DimensionInfo &dimension);

// The condition on column `alias`.dN; `values` is SQL for the filter's values as text[].
std::string condition(const Filter &filter, const DimensionInfo &dimension,
                      const std::string &column, const std::string &values);

}  // namespace kpi::engine
