#include "report/numbers.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "core/error.hpp"

namespace {

using namespace kpi::report;

constexpr Language kEn = Language::english, kEs = Language::spanish;
const Format kEuro = {Style::money, "EUR"};

std::string brief(const std::string &number, Language language = kEn, const Format &format = {}) {
    return shown(number, format, language, Length::brief);
}
std::string whole(const std::string &number, Language language = kEn, const Format &format = {}) {
    return shown(number, format, language, Length::whole);
}
std::string change(const std::string &value, const std::string &before, Language language = kEn,
                   Style style = Style::number) {
    return shown_change({value, before, style}, language).text;
}

TEST(Numbers, of_a_part_have_no_more_decimals_than_the_whole) {
    EXPECT_EQ(shown("46.7532", like({}, "300"), Language::english, Length::whole), "47");
    EXPECT_EQ(shown("46.7532", like({}, "30.5"), Language::english, Length::whole), "46.8");
    EXPECT_EQ(
        shown("46.7532", like({Style::number, "", 2}, "300"), Language::english, Length::whole),
        "46.75");
}

TEST(Numbers, round_on_the_digits_half_away_from_zero) {
    EXPECT_EQ(rounded("2.675", 2), "2.68");
    EXPECT_EQ(rounded("-2.5", 0), "-3");
    EXPECT_EQ(rounded("999.995", 2), "1000.00");
    EXPECT_EQ(rounded("0.04", 1), "0.0");
    EXPECT_EQ(rounded("-0.04", 1), "0.0");
    EXPECT_EQ(rounded("12345678901234567890.125", 2), "12345678901234567890.13");
    EXPECT_EQ(rounded("5", 2), "5.00");
}

TEST(Numbers, are_short_in_thousands_and_millions_after_rounding) {
    EXPECT_EQ(brief("999"), "999");
    EXPECT_EQ(brief("949.9"), "950");
    EXPECT_EQ(brief("1000"), "1.0K");
    EXPECT_EQ(brief("124512.31"), "124.5K");
    EXPECT_EQ(brief("999949"), "999.9K");
    EXPECT_EQ(brief("999950"), "1.0M");
    EXPECT_EQ(brief("-999950"), "−1.0M");
    EXPECT_EQ(brief("1234567890"), "1.2B");
    EXPECT_EQ(brief("1234567890123"), "1.2T");
}

TEST(Numbers, are_spanish_in_spanish) {
    EXPECT_EQ(brief("124512.31", kEs), "124,5\u00a0K");
    EXPECT_EQ(brief("1234567890", kEs), "1234,6\u00a0M");
    EXPECT_EQ(brief("1234567890123", kEs), "1,2\u00a0B");
    EXPECT_EQ(whole("1234.5", kEs), "1234,5");
    EXPECT_EQ(whole("12345.5", kEs), "12.345,5");
    EXPECT_EQ(whole("12345.5"), "12,345.5");
    EXPECT_EQ(whole("-1234567"), "−1,234,567");
}

TEST(Numbers, carry_currency_and_unit) {
    EXPECT_EQ(whole("-1234.5", kEn, kEuro), "−€1,234.50");
    EXPECT_EQ(whole("-1234.5", kEs, kEuro), "−1234,50\u00a0€");
    EXPECT_EQ(brief("124512", kEn, kEuro), "€124.5K");
    EXPECT_EQ(brief("124512", kEs, kEuro), "124,5\u00a0K\u00a0€");
    EXPECT_EQ(whole("12.5", kEn, {Style::money, "MXN"}), "MXN\u00a012.50");
    EXPECT_EQ(whole("1250.4", kEn, {Style::money, "JPY"}), "¥1,250");
    EXPECT_EQ(whole("96.149", kEn, {Style::percent}), "96.1%");
    EXPECT_EQ(whole("12", kEn, {Style::number, "s"}), "12\u00a0s");
    EXPECT_EQ(whole("12.3", kEn, {Style::number, "", 2}), "12.30");
}

TEST(Numbers, without_a_value_are_a_dash) {
    EXPECT_EQ(shown(std::nullopt, kEuro, kEn, Length::whole), "–");
    EXPECT_EQ(brief("NaN"), "–");
    EXPECT_EQ(brief("-Infinity"), "–");
    EXPECT_THROW(brief("1e5"), kpi::Error);
    EXPECT_THROW(brief(""), kpi::Error);
    EXPECT_THROW(brief("12,5"), kpi::Error);
}

TEST(Numbers, say_enough_in_brief) {
    EXPECT_EQ(brief("286.75"), "287");
    EXPECT_EQ(brief("58.642857"), "58.6");
    EXPECT_EQ(brief("35.02"), "35");
    EXPECT_EQ(brief("2.75"), "2.75");
    EXPECT_EQ(whole("286.75"), "286.75");
    EXPECT_EQ(shown("286.75", {Style::number, {}, 2}, kEn, Length::brief), "286.75");
}

TEST(Changes, are_never_infinite) {
    EXPECT_EQ(change("5", "0"), "new");
    EXPECT_EQ(change("5", "0", kEs), "nuevo");
    EXPECT_EQ(change("0", "0"), "=");
    EXPECT_EQ(change("NaN", "1"), "–");
    EXPECT_EQ(change("1", "NaN"), "–");
    EXPECT_EQ(shown_change("Infinity", Style::number, kEs).text, "nuevo");
}

TEST(Changes, have_a_sign_and_one_decimal) {
    EXPECT_EQ(change("103", "100"), "+3.0%");
    EXPECT_EQ(change("81.8", "100", kEs), "−18,2\u00a0%");
    EXPECT_EQ(change("100.04", "100"), "=");
    EXPECT_EQ(change("-50", "-100"), "+50.0%");
    EXPECT_EQ(change("-100", "100"), "−200.0%");
    EXPECT_EQ(change("95.9", "96.1", kEn, Style::percent), "−0.2\u00a0pp");
    EXPECT_EQ(change("96.1", "95.9", kEs, Style::percent), "+0,2\u00a0pp");
    EXPECT_EQ(shown_change({"103", "100"}, kEn).direction, Direction::up);
    EXPECT_EQ(shown_change({"100", "100"}, kEn).direction, Direction::flat);
}

TEST(Sparkline, has_a_block_a_number_and_gaps) {
    using Values = std::vector<std::optional<Decimal>>;
    EXPECT_EQ(sparkline(Values{"1", std::nullopt, "8", "-6"}), "▅ █▁");
    EXPECT_EQ(sparkline(Values{"5", "5", "5"}), "▄▄▄");
    EXPECT_EQ(sparkline(Values{std::nullopt, "NaN"}), "  ");
    EXPECT_EQ(sparkline(Values{}), "");
}

TEST(Numbers, rounding_is_that_of_integers) {
    EXPECT_TRUE(rc::check("rounded to n decimals = (value * 10^n) with half away from zero", [] {
        const auto number = *rc::gen::inRange<int64_t>(-1'000'000'000, 1'000'000'000);
        const std::string text =
            rounded(std::to_string(number / 1000) + "." +
                        std::to_string(1000 + std::abs(number) % 1000).substr(1),
                    2);
        RC_PRE(number >= 0 || number <= -1000);
        const int64_t cents = (std::abs(number) + 5) / 10 * (number < 0 ? -1 : 1);
        const std::string digits = std::to_string(std::abs(cents) / 100) + "." +
                                   std::to_string(100 + std::abs(cents) % 100).substr(1);
        RC_ASSERT(text == (cents < 0 ? "-" : "") + digits);
    }));
}

}  // namespace
