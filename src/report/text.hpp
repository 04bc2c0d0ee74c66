// What a report says in words: a literal, or a key of the catalogue with its arguments. Sentences
// are whole in the catalogue; none is joined out of pieces.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/dates.hpp"

namespace kpi::report {

enum class Language : uint8_t { english, spanish };

// "en" or "es". Errors: 22023 with a hint.
Language parse_language(std::string_view word);
// "en", "es": also HTML's lang.
std::string_view code(Language language);

// Decimal text as PostgreSQL writes numeric: "-12.50", "NaN".
using Decimal = std::string;

enum class Style : uint8_t { number, percent, money };

// How a number is shown.
struct Format {
    Style style = Style::number;
    std::string unit = {};  // money: ISO code of the currency; number: "s", "kg" or nothing
    int decimals = -1;      // -1: a number's own, money: its currency's, per cent: 1
};
// Of shares: "41.2 %".
Format percent_format();

// Brief: 124.5K, for sentences and tiles. Tick: the same without ".0", for an axis. Whole: all
// digits that the format shows.
enum class Length : uint8_t { brief, tick, whole };

struct Amount {
    Decimal value;
    Format format = {};
    Length length = Length::brief;
};

// From `before` to `value`: "+3.0 %", "new" against 0; of percentages the difference in points.
struct Change {
    std::optional<Decimal> value, before;
    Style style = Style::number;
};

// Whole days, both included. Shown as a day, ISO week, month, quarter or year where it is one.
struct Period {
    Date first, last;
};

struct Seconds {
    int64_t count = 0;
};

// An integer is shown with separators; the argument `count` chooses singular or plural.
using Argument = std::variant<std::string, int64_t, Amount, Change, Date, Period, Local, Seconds>;

struct Phrase {
    std::string key;
    std::vector<std::pair<std::string, Argument>> arguments;
};

using Text = std::variant<std::string, Phrase>;

// A key without arguments. (A string on its own is a literal.)
Text phrase(std::string_view key);

}  // namespace kpi::report
