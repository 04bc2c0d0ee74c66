#include "detect/request.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <string>

#include "core/error.hpp"

namespace kpi::detect {

namespace {

template <class T>
struct Choice {
    std::string_view name;
    T value;
};

template <class T, std::size_t N>
T choose(std::string_view option, std::string_view name, const std::array<Choice<T>, N> &choices) {
    std::string hint = "Use one of:";
    for (const auto &c : choices) {
        if (c.name == name) return c.value;
        hint += " " + std::string(c.name);
    }
    throw Error("22023", "unknown " + std::string(option) + " \"" + std::string(name) + "\"", {},
                hint + ".");
}

constexpr std::array<Choice<Kind>, 5> kKinds{{{"auto", Kind::automatic},
                                              {"count", Kind::count},
                                              {"amount", Kind::amount},
                                              {"rate", Kind::rate},
                                              {"level", Kind::level}}};
constexpr std::array<Choice<Frequency>, 5> kGrains{{{"hour", Frequency::hour},
                                                    {"day", Frequency::day},
                                                    {"week", Frequency::other},
                                                    {"month", Frequency::other},
                                                    {"other", Frequency::other}}};
constexpr std::array<Choice<Direction>, 3> kDirections{
    {{"both", Direction::both}, {"up", Direction::up}, {"down", Direction::down}}};
constexpr std::array<Choice<Present>, 3> kPresents{
    {{"skip", Present::skip}, {"compare", Present::compare}, {"complete", Present::complete}}};
constexpr std::array<Choice<Effect>, 3> kEffects{
    {{"ignore", Effect::ignore}, {"widen", Effect::widen}, {"annotate", Effect::annotate}}};

constexpr double kHour = 3600, kDay = 86400;

}  // namespace

Effect effect_by_name(std::string_view name) { return choose("effect", name, kEffects); }

void set_option(Request &r, std::string_view name, std::string_view value) {
    if (name == "kind") {
        r.options.kind = choose(name, value, kKinds);
    } else if (name == "method") {
        r.method = method_by_name(value);
    } else if (name == "grain") {
        r.options.grain = choose(name, value, kGrains);
        r.grain_given = true;
    } else if (name == "direction") {
        r.options.direction = choose(name, value, kDirections);
    } else if (name == "effect") {
        r.effect = effect_by_name(value);
    } else if (name == "partial") {
        r.present = choose(name, value, kPresents);
        r.options.partial = r.present == Present::compare ? Partial::compare : Partial::skip;
    } else {
        throw Error("22023", "unknown option \"" + std::string(name) + "\"", {},
                    "Options are kind, method, grain, direction, effect, partial, threshold and "
                    "min_history.");
    }
}

void set_option(Request &r, std::string_view name, double value) {
    if (name == "threshold") {
        r.options.threshold = value;
    } else if (name == "min_history") {
        if (value != std::floor(value) || std::fabs(value) > 1e6) {
            throw Error("22023", "min_history must be a whole number of periods");
        }
        r.options.min_history = static_cast<int>(value);
    } else {
        throw Error("22023", "option \"" + std::string(name) + "\" is not a number or unknown", {},
                    "Options that are numbers are threshold and min_history.");
    }
    check(r.options);
}

std::uint32_t event_id(std::string_view name) {
    std::uint32_t hash = 2166136261U;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return hash == 0 ? 1 : hash;
}

Frequency grain_of_step(double seconds) {
    if (seconds < 0.95 * kHour) return Frequency::other;
    if (seconds < 20 * kHour) return Frequency::hour;
    return seconds < 6 * kDay ? Frequency::day : Frequency::other;
}

}  // namespace kpi::detect
