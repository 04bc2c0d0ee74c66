// PostgreSQL's numeric as a value that C++ can hold: exact, without text in between. A handle to
// memory of the current context (inside a Spi: until that ends); NULL is a number too, the default
// one. Errors: PostgreSQL's own, 22003 for an overflow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace kpi::pg {

struct Number {
    uintptr_t datum = 0;  // 0: NULL
    explicit operator bool() const { return datum != 0; }
};

Number number(int64_t value);
// With 15 digits, as PostgreSQL casts it.
Number from_double(double value);
std::optional<std::string> text(Number number);
// NaN for NULL; what is too large is infinite.
double as_double(Number number);

// Of numbers that are not NULL.
Number sum(Number a, Number b);
Number difference(Number a, Number b);
Number quotient(Number a, Number b);  // b is not 0
int compare(Number a, Number b);      // < 0, 0, > 0; NaN is the greatest
Number mean(Number a, Number b);      // without zeros at its end
// 100 * part / whole with two decimals, half up; NULL where the whole is 0.
Number percent(int64_t part, int64_t whole);

}  // namespace kpi::pg
