// What the values of a measure may be.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace kpi {

// integer: smallint, integer, bigint: no NaN, no infinity
enum class MeasureKind : uint8_t { integer, numeric };

// A counted measure does not add up: the values of its column are kept, each with the number of its
// rows, and it is how many they are, the least or the greatest of them. Of percentiles the number
// of the value's bucket is kept instead (sketch.hpp), of first and last the row's time and the
// value.
enum class CountedKind : uint8_t { distinct, minimum, maximum, percentiles, first, last };

// Of each full segment one value by time; segments add up, buckets do not.
constexpr bool is_timed(CountedKind kind) {
    return kind == CountedKind::first || kind == CountedKind::last;
}

// As kpi.counted and aggregates => have them.
inline constexpr std::array<std::pair<std::string_view, CountedKind>, 6> kCountedKinds{
    {{"distinct", CountedKind::distinct},
     {"min", CountedKind::minimum},
     {"max", CountedKind::maximum},
     {"percentiles", CountedKind::percentiles},
     {"first", CountedKind::first},
     {"last", CountedKind::last}}};
constexpr std::string_view word_of(CountedKind kind) {
    for (const auto &[word, named] : kCountedKinds)
        if (named == kind) return word;
    return {};
}
constexpr std::optional<CountedKind> counted_kind(std::string_view word) {
    for (const auto &[named, kind] : kCountedKinds)
        if (named == word) return kind;
    return std::nullopt;
}

// At most so many columns of a source are kept: their numbers are the bits of a rollup's level
// above those of the dimensions.
inline constexpr int kMaxCounted = 7;
inline constexpr int kDimensionBits = 12;

}  // namespace kpi
