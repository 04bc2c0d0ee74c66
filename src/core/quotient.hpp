// Formulas that are a quotient of two names: which they are, and whether the result is per cent.
//
// Understood are a / b and b as nullif(b, 0), times 1 or 100 at any place (1.0 * a / b, 100.0 * a /
// b, a * 100 / b, a / b * 100), casts (a::numeric), parentheses around the whole or an operand, and
// round(..., n) or coalesce(..., 0) around the whole.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kpi {

struct Quotient {
    std::string numerator, denominator;
    bool is_percent = false;
};

// nullopt: it is another formula, or multiplies by something else.
std::optional<Quotient> quotient_of(std::string_view formula);

}  // namespace kpi
