#include "report/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "core/error.hpp"
#include "report/sentence.hpp"

namespace kpi::report {
namespace {

constexpr const char *kSpace = "\u00a0";  // does not break a line
constexpr const char *kMinus = "−";

struct Sign {
    bool negative = false;
    std::string_view digits;  // without the minus
};

Sign split_sign(std::string_view number) {
    const bool negative = !number.empty() && number.front() == '-';
    return {negative, number.substr(negative ? 1 : 0)};
}

bool is_zero(std::string_view number) {
    return number.find_first_of("123456789") == std::string_view::npos;
}

std::string_view whole_part(std::string_view digits) { return digits.substr(0, digits.find('.')); }

// "1234.5" (no sign) with the separators of the language.
std::string separated(std::string_view digits, Language language) {
    const std::string_view whole = whole_part(digits);
    const bool spanish = language == Language::spanish;
    const bool grouped = whole.size() > (spanish ? 4 : 3);
    std::string out;
    for (size_t i = 0; i < whole.size(); ++i) {
        if (grouped && i > 0 && (whole.size() - i) % 3 == 0) out += spanish ? '.' : ',';
        out += whole[i];
    }
    if (whole.size() < digits.size()) {
        out += spanish ? ',' : '.';
        out += digits.substr(whole.size() + 1);
    }
    return out;
}

// The number times 10^-places.
std::string shifted(std::string_view number, size_t places) {
    const Sign sign = split_sign(number);
    const std::string_view whole = whole_part(sign.digits);
    std::string digits(whole.size() <= places ? places + 1 - whole.size() : 0, '0');
    digits += whole;
    digits.insert(digits.size() - places, ".");
    if (whole.size() < sign.digits.size()) digits += sign.digits.substr(whole.size() + 1);
    return (sign.negative ? "-" : "") + digits;
}

struct Unit {
    size_t places;
    std::string_view letter;
};
constexpr std::array<Unit, 4> kEnglish = {{{3, "K"}, {6, "M"}, {9, "B"}, {12, "T"}}};
constexpr std::array<Unit, 3> kSpanish = {{{3, "K"}, {6, "M"}, {12, "B"}}};

std::span<const Unit> units_of(Language language) {
    if (language == Language::spanish) return kSpanish;
    return kEnglish;
}

struct Short {
    std::string digits;  // no sign
    std::string letter = {};
};

// `whole`: the number without its sign as it is shown in full. The next unit is taken when what is
// shown reaches it, after rounding: 999,949 is 999.9K, 999,950 is 1.0M.
Short shortened(std::string_view absolute, std::string whole, Language language) {
    Short out{std::move(whole)};
    size_t places = 0;
    for (const Unit &unit : units_of(language)) {
        if (whole_part(out.digits).size() <= unit.places - places) break;
        places = unit.places;
        out = {rounded(shifted(absolute, places), 1), std::string(unit.letter)};
    }
    return out;
}

struct Currency {
    std::string_view code, english, spanish;
    int decimals;
};
// Signs that both languages know; every other currency is shown by its code.
constexpr std::array<Currency, 10> kCurrencies = {{{"EUR", "€", "€", 2},
                                                   {"GBP", "£", "£", 2},
                                                   {"USD", "$", "US$", 2},
                                                   {"JPY", "¥", "¥", 0},
                                                   {"CLP", "", "", 0},
                                                   {"COP", "", "", 2},
                                                   {"KRW", "", "", 0},
                                                   {"VND", "", "", 0},
                                                   {"PYG", "", "", 0},
                                                   {"KWD", "", "", 3}}};

Currency currency_of(std::string_view code) {
    for (const Currency &currency : kCurrencies)
        if (currency.code == code) return currency;
    return {code, "", "", 2};
}

// `digits` has neither sign nor unit; `letter` is K, M, B or nothing.
std::string dressed(const std::string &digits, const std::string &letter, const Format &format,
                    Language language) {
    const bool spanish = language == Language::spanish;
    std::string number = digits + (letter.empty() || !spanish ? letter : kSpace + letter);
    switch (format.style) {
        case Style::percent:
            return number + (spanish ? kSpace : "") + "%";
        case Style::number:
            return format.unit.empty() ? number : number + kSpace + format.unit;
        case Style::money:
            break;
    }
    const Currency currency = currency_of(format.unit);
    const std::string_view sign = spanish ? currency.spanish : currency.english;
    const std::string mark(sign.empty() ? currency.code : sign);
    if (mark.empty()) return number;
    if (spanish) return number + kSpace + mark;
    return mark + (sign.empty() ? kSpace : "") + number;
}

std::string signed_text(std::string_view number, const std::string &absolute) {
    return number.front() == '-' ? kMinus + absolute : absolute;
}

}  // namespace

bool is_decimal(std::string_view text) {
    const std::string_view digits = split_sign(text).digits;
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const std::string_view whole = whole_part(digits);
    if (whole.empty() || !std::all_of(whole.begin(), whole.end(), is_digit)) return false;
    if (whole.size() == digits.size()) return true;
    const std::string_view rest = digits.substr(whole.size() + 1);
    return !rest.empty() && std::all_of(rest.begin(), rest.end(), is_digit);
}

std::optional<std::string_view> finite(const std::optional<std::string_view> &number) {
    if (!number || *number == "NaN" || *number == "Infinity" || *number == "-Infinity")
        return std::nullopt;
    if (!is_decimal(*number))
        throw Error("22P02", fmt::format("\"{}\" is not a number of a report", *number), {},
                    "Numbers are decimal text, as numeric is written: -12.50.");
    return number;
}

std::optional<std::string_view> finite(const std::optional<Decimal> &number) {
    return finite(number ? std::optional<std::string_view>(*number) : std::nullopt);
}

double approximate(std::string_view number) {
    return std::strtod(std::string(number).c_str(), nullptr);
}

std::string rounded(std::string_view number, int decimals) {
    const Sign sign = split_sign(number);
    const std::string_view whole = whole_part(sign.digits);
    const std::string_view rest = whole.size() < sign.digits.size()
                                      ? sign.digits.substr(whole.size() + 1)
                                      : std::string_view();
    const auto places = size_t(std::max(0, decimals));
    std::string digits(whole);
    digits += rest.substr(0, places);
    if (rest.size() < places) digits.append(places - rest.size(), '0');
    if (rest.size() > places && rest[places] >= '5') {
        size_t at = digits.size();
        while (at > 0 && digits[at - 1] == '9') digits[--at] = '0';
        if (at > 0)
            ++digits[at - 1];
        else
            digits.insert(0, "1");
    }
    // leading zeros: 007.5 is no text of PostgreSQL's, but shifting makes some
    size_t zeros = digits.find_first_not_of('0');
    zeros = std::min(zeros == std::string::npos ? digits.size() : zeros,
                     digits.size() > places ? digits.size() - places - 1 : 0);
    digits.erase(0, zeros);
    if (places > 0) digits.insert(digits.size() - places, ".");
    return (sign.negative && !is_zero(digits) ? "-" : "") + digits;
}

int decimals_of(const Format &format, std::string_view number) {
    if (format.decimals >= 0) return format.decimals;
    switch (format.style) {
        case Style::percent:
            return 1;
        case Style::money:
            return currency_of(format.unit).decimals;
        case Style::number:
            break;
    }
    const size_t point = number.find('.');
    if (point == std::string_view::npos) return 0;
    const size_t last = number.find_last_not_of('0');  // zeros at the end say nothing
    const size_t own = last > point ? last - point : 0;
    // beyond four they are the digits of a division: two are enough where there is a whole part
    constexpr size_t kMost = 4;
    if (own <= kMost) return int(own);
    const Sign sign = split_sign(number);
    return is_zero(whole_part(sign.digits)) ? int(kMost) : 2;
}

Format like(Format format, std::string_view number) {
    format.decimals = decimals_of(format, number);
    return format;
}

namespace {

// Where nobody has set decimals three digits say enough in brief: 58.6, 287.
int decimals_of(const Format &format, std::string_view number, Length length) {
    const int own = decimals_of(format, number);
    if (length != Length::brief || format.style != Style::number || format.decimals >= 0)
        return own;
    const size_t whole = whole_part(split_sign(number).digits).size();
    const int few = whole < 2 ? own : std::min(own, whole == 2 ? 1 : 0);
    return few == 1 && rounded(number, 1).ends_with(".0") ? 0 : few;
}

}  // namespace

std::string shown(const std::optional<Decimal> &number, const Format &format, Language language,
                  Length length) {
    const auto value = finite(number);
    if (!value) return kNoValue;
    const std::string whole = rounded(*value, decimals_of(format, *value, length));
    Short digits{std::string(split_sign(whole).digits)};
    if (length == Length::tick) digits.digits = split_sign(*value).digits;
    if (length != Length::whole)
        digits = shortened(split_sign(*value).digits, std::move(digits.digits), language);
    if (length == Length::tick && !digits.letter.empty() && digits.digits.ends_with(".0"))
        digits.digits.resize(digits.digits.size() - 2);
    return signed_text(
        whole, dressed(separated(digits.digits, language), digits.letter, format, language));
}

std::optional<Decimal> change_of(const Change &change) {
    const auto value = finite(change.value), before = finite(change.before);
    if (!value || !before) return std::nullopt;
    const double now = approximate(*value), then = approximate(*before);
    if (change.style == Style::percent) return fmt::format("{:.6f}", now - then);
    if (!is_zero(*before)) return fmt::format("{:.6f}", 100 * (now - then) / std::fabs(then));
    if (is_zero(*value)) return "0";
    return now < 0 ? "-Infinity" : "Infinity";
}

ShownChange shown_change(const std::optional<std::string_view> &by, Style style,
                         Language language) {
    if (by == "Infinity" || by == "-Infinity")
        return {sentence(phrase("new"), language),
                by->front() == '-' ? Direction::down : Direction::up};
    const auto change = finite(by);
    if (!change) return {};
    // less than half a digit is no change
    const std::string number = rounded(*change, 1);
    if (is_zero(number)) return {sentence(phrase("unchanged"), language), Direction::flat};
    const Sign sign = split_sign(number);
    const std::string digits = (sign.negative ? kMinus : "+") + separated(sign.digits, language);
    const char *const key = style == Style::percent ? "points" : "percent";
    return {sentence(Phrase{key, {{"number", digits}}}, language),
            sign.negative ? Direction::down : Direction::up};
}

ShownChange shown_change(const Change &change, Language language) {
    return shown_change(change_of(change), change.style, language);
}

std::string sparkline(std::span<const std::optional<Decimal>> numbers) {
    static constexpr std::array<const char *, 8> kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    std::vector<std::optional<double>> values;
    std::optional<double> low, high;
    for (const auto &number : numbers) {
        const auto decimal = finite(number);
        values.push_back(decimal ? std::optional<double>(approximate(*decimal)) : std::nullopt);
        if (!decimal) continue;
        low = std::min(low.value_or(*values.back()), *values.back());
        high = std::max(high.value_or(*values.back()), *values.back());
    }
    std::string out;
    for (const auto &value : values) {
        if (!value)
            out += " ";
        else if (*high <= *low)
            out += kBlocks[3];
        else
            out += kBlocks[size_t(std::lround((*value - *low) / (*high - *low) * 7))];
    }
    return out;
}

}  // namespace kpi::report
