// Properties of the default detector that hold for any series.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>

#include "core/error.hpp"
#include "series.hpp"

namespace kpi::detect {
namespace {

std::vector<Point> any_series(Frequency grain) {
    const int length = *rc::gen::inRange(1, grain == Frequency::hour ? 400 : 150);
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    const int character = *rc::gen::inRange(0, 4);
    std::mt19937_64 random(seed);
    std::vector<Point> out;
    std::int64_t period = *rc::gen::inRange(-1000, 30000);
    for (int i = 0; i < length; ++i) {
        Point p;
        period += 1 + (random() % 12 == 0 ? static_cast<std::int64_t>(random() % 9) : 0);
        p.period = period;
        if (character == 0) p.value = std::poisson_distribution<int>(4)(random);
        if (character == 1) p.value = std::lognormal_distribution<double>(8, 1)(random);
        if (character == 2) p.value = std::cauchy_distribution<double>(0, 1)(random);
        if (character == 3) {
            p.denominator = static_cast<double>(random() % 300);
            p.value = std::uniform_real_distribution<double>(0, 1)(random);
        }
        if (random() % 20 == 0) p.value = kMissing;
        if (random() % 25 == 0) {
            p.event = static_cast<std::uint32_t>(random() % 12);
            p.effect = static_cast<Effect>(random() % 4);
        }
        out.push_back(p);
    }
    return out;
}

bool same(const Verdict &a, const Verdict &b) {
    const auto equal = [](double x, double y) {
        return x == y || (std::isnan(x) && std::isnan(y));
    };
    return equal(a.score, b.score) && equal(a.p, b.p) && equal(a.expected, b.expected) &&
           equal(a.lower, b.lower) && equal(a.upper, b.upper) && equal(a.z, b.z) &&
           a.is_anomaly == b.is_anomaly && a.type == b.type;
}

RC_GTEST_PROP(RobustProperty, TheFutureChangesNothing, ()) {
    Options options;
    options.grain = *rc::gen::element(Frequency::day, Frequency::hour, Frequency::other);
    const auto points = any_series(options.grain);
    const auto cut =
        static_cast<std::size_t>(*rc::gen::inRange(0, static_cast<int>(points.size())));
    auto changed = points;
    for (std::size_t i = cut; i < changed.size(); ++i) changed[i].value = 1e6 - changed[i].value;
    const auto a = verdicts(points, options), b = verdicts(changed, options);
    const auto c =
        verdicts({points.begin(), points.begin() + static_cast<std::ptrdiff_t>(cut)}, options);
    for (std::size_t i = 0; i < cut; ++i) RC_ASSERT(same(a[i], b[i]) && same(a[i], c[i]));
}

RC_GTEST_PROP(RobustProperty, AStateContinuesWhereItsBytesWereCopied, ()) {
    Options options;
    options.grain = *rc::gen::element(Frequency::day, Frequency::hour);
    const auto points = any_series(options.grain);
    const auto cut =
        static_cast<std::size_t>(*rc::gen::inRange(0, static_cast<int>(points.size())));
    const auto whole = verdicts(points, options);
    State first = make_state(options);
    for (std::size_t i = 0; i < cut; ++i) observe(first, points[i]);
    State second;
    std::memcpy(static_cast<void *>(&second), &first, sizeof first);
    for (std::size_t i = cut; i < points.size(); ++i)
        RC_ASSERT(same(observe(second, points[i]), whole[i]));
}

RC_GTEST_PROP(RobustProperty, AnotherCurrencyChangesNoVerdict, ()) {
    Options options;
    options.kind = *rc::gen::element(Kind::amount, Kind::level);
    options.grain = *rc::gen::element(Frequency::day, Frequency::hour);
    const auto points =
        weekly_series(*rc::gen::inRange(60, 260), 1000, 0.1, *rc::gen::arbitrary<std::uint64_t>());
    // A power of two keeps every bit of the mantissa, so even ties of the medians break alike.
    const double rate = std::ldexp(1.0, *rc::gen::inRange(-12, 12));
    auto converted = points;
    for (Point &p : converted) p.value *= rate;
    const auto a = verdicts(points, options), b = verdicts(converted, options);
    for (std::size_t i = 0; i < a.size(); ++i) {
        RC_ASSERT(a[i].is_anomaly == b[i].is_anomaly);
        RC_ASSERT(std::fabs(a[i].score - b[i].score) <= 1e-6 * (1 + a[i].score));
        if (std::isfinite(a[i].expected)) {
            RC_ASSERT(std::fabs(a[i].expected * rate - b[i].expected) <=
                      1e-6 * std::fabs(b[i].expected));
        }
    }
}

RC_GTEST_PROP(RobustProperty, VerdictsAreWellFormed, ()) {
    Options options;
    options.grain = *rc::gen::element(Frequency::day, Frequency::hour, Frequency::other);
    options.min_history = *rc::gen::inRange(2, 60);
    const auto points = any_series(options.grain);
    for (const Verdict &v : verdicts(points, options)) {
        RC_ASSERT(v.score >= 0 && std::isfinite(v.score) && std::isfinite(v.z));
        RC_ASSERT(std::isnan(v.p) || (v.p > 0 && v.p <= 1));
        if (!std::isnan(v.expected)) RC_ASSERT(v.lower <= v.expected && v.expected <= v.upper);
        if (v.is_anomaly) {
            RC_ASSERT(v.type != Type::none && v.type != Type::learning && v.type != Type::missing);
            RC_ASSERT(std::isfinite(v.p));
        }
    }
}

RC_GTEST_PROP(RobustProperty, ATimeThatStandsStillIsAnError, ()) {
    State state = make_state({});
    const int at = *rc::gen::inRange(-5000, 5000), back = *rc::gen::inRange(0, 100);
    Point p;
    p.value = 1;
    p.period = at;
    observe(state, p);
    p.period = at - back;
    RC_ASSERT_THROWS_AS(observe(state, p), Error);
}

}  // namespace
}  // namespace kpi::detect
