// Numbers as people read them, from decimal text: English 1,234.5 and Spanish 1.234,5 (grouped from
// five digits on, as the Academy and CLDR have it), K/M/B (Spanish counts 1,000 million), money,
// changes. Rounding is on the digits, half away from zero; -0 is 0.
#pragma once

#include <span>

#include "report/text.hpp"

namespace kpi::report {

// What is shown where there is no value.
constexpr const char *kNoValue = "–";

// Digits with at most one point and a minus before them, as PostgreSQL writes a finite numeric.
bool is_decimal(std::string_view text);
// NULL, NaN and the infinities are no value. Errors: 22P02 for what is no number at all.
std::optional<std::string_view> finite(const std::optional<std::string_view> &number);
std::optional<std::string_view> finite(const std::optional<Decimal> &number);
// What passes would be gone when it is read.
std::optional<std::string_view> finite(std::optional<Decimal> &&) = delete;
// For the place of a point on a chart, nothing else. `number` is a decimal.
double approximate(std::string_view number);
// A decimal with so many decimals.
std::string rounded(std::string_view number, int decimals);

// As many as the format shows of this number.
int decimals_of(const Format &format, std::string_view number);
// The format for what is a part of that number: no more decimals than it has itself.
Format like(Format format, std::string_view number);
// "€1,234.50", "1.234,50 €", "96.1 %", "12 s", "124.5K"; no value: "–".
std::string shown(const std::optional<Decimal> &number, const Format &format, Language language,
                  Length length);

enum class Direction : uint8_t { none, up, down, flat };
struct ShownChange {
    std::string text = kNoValue;  // "+3.0 %", "−0.2 pt", "new", "="
    Direction direction = Direction::none;
};
// 100 (value - before) / |before|, against 0 "Infinity"; of percentages the difference in points.
// Six decimals. nullopt: one of the two is no value.
std::optional<Decimal> change_of(const Change &change);
// Of what change_of() gives; style: of the values.
ShownChange shown_change(const std::optional<std::string_view> &by, Style style, Language language);
ShownChange shown_change(const Change &change, Language language);

// "▁▃█", one block a number, a space where there is none; all the same: the middle block.
std::string sparkline(std::span<const std::optional<Decimal>> numbers);

}  // namespace kpi::report
