#include "detect/reason.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace kpi::detect {

namespace {

constexpr std::array<std::string_view, 9> kTypes{
    "none", "spike", "dip", "drift", "level_shift", "learning", "missing", "partial", "suppressed"};
constexpr std::array<std::string_view, 9> kOrdinals{"",      "",      "second",  "third", "fourth",
                                                    "fifth", "sixth", "seventh", "eighth"};

std::string_view noun(Frequency grain) {
    return grain == Frequency::day ? "day" : grain == Frequency::hour ? "hour" : "period";
}

std::string grouped(double value) {
    std::string digits = fmt::format("{:.0f}", std::fabs(value));
    for (std::ptrdiff_t at = std::ssize(digits) - 3; at > 0; at -= 3) {
        digits.insert(static_cast<std::size_t>(at), 1, ',');
    }
    return value < 0 ? "-" + digits : digits;
}

std::string change(double value, double expected) {
    if (expected == 0) return "";  // a change from nothing has no percentage
    const double percent = 100 * (value - expected) / std::fabs(expected);
    if (std::fabs(percent) >= 1000)
        return fmt::format(", {} times expected", number(value / expected));
    return fmt::format(", {:+.{}f} %", percent, std::fabs(percent) < 10 ? 1 : 0);
}

std::string run(const Verdict &v, Frequency grain) {
    if (v.streak < 2) return "";
    const auto n = static_cast<std::size_t>(v.streak);
    const std::string side = v.z > 0 ? "high" : "low";
    if (n < kOrdinals.size()) {
        return fmt::format("; {} {} {} in a row", kOrdinals[n], side, noun(grain));
    }
    return fmt::format("; {} {} {}s in a row", n, side, noun(grain));
}

}  // namespace

std::string_view type_name(Type type) { return kTypes[static_cast<std::size_t>(type)]; }

std::string number(double value) {
    if (std::fabs(value) >= 1e15) return fmt::format("{:.3e}", value);
    return std::fabs(value) >= 1000 ? grouped(value) : fmt::format("{:.4g}", value);
}

std::string reason(const Verdict &v, double value, Frequency grain, std::string_view event) {
    switch (v.type) {
        case Type::none:
            return {};
        case Type::learning:
            return "not enough history for a verdict";
        case Type::missing:
            return "no value";
        case Type::partial:
            return fmt::format("the {} is not over", noun(grain));
        default:
            break;
    }
    std::string out =
        fmt::format("{}: expected {} ({} to {}){}, z {:+.1f}", number(value), number(v.expected),
                    number(v.lower), number(v.upper), change(value, v.expected), v.z);
    if (v.type == Type::drift)
        out += fmt::format(", {:.1f} with the {}s before", v.score, noun(grain));
    out += run(v, grain);
    if (v.type == Type::level_shift) out += "; this is the new level from here on";
    if (v.type == Type::suppressed)
        out += "; not reported, a stronger alarm is less than a day ago";
    if (!event.empty()) out += fmt::format("; beyond what {} explains", event);
    return out;
}

}  // namespace kpi::detect
