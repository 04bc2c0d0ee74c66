#include "reporting/outlook.hpp"

#include <fmt/format.h>

#include "detect/forecast.hpp"
#include "detect/request.hpp"
#include "reporting/figures.hpp"

namespace kpi::reporting {
namespace {

constexpr int kHistory = 400;  // days that are learnt from
constexpr double kCoverage = 0.8;

}  // namespace

std::optional<Outlook> next_month(const Scope &scope, const std::string &metric, Date last) {
    Scope one = scope;
    one.metrics = {metric};
    const Series days = series(one, last + (1 - kHistory), last, "day");
    detect::Request request;
    detect::set_option(request, "grain", "day");
    detect::State state = detect::make_state(request.options);
    bool begun = false;
    for (size_t i = 0; i < days.buckets.size(); ++i) {
        const Cell &value = days.values.at(metric)[i];
        // Days before the first number are no days of little.
        begun = begun || (value && *value != "0");
        if (!begun) continue;
        detect::Point point;
        point.period = days.buckets[i].days;
        if (value) point.value = std::stod(*value);
        detect::observe(state, point);
    }
    if (!state.started) return std::nullopt;
    const int ahead = add_months(last + 1, 1) - (last + 1);
    double expected = 0, low = 0, high = 0;
    for (const detect::Outlook &day : detect::forecast(state, ahead, kCoverage)) {
        expected += day.expected;
        low += day.lower;
        high += day.upper;
    }
    return Outlook{fmt::format("{:.0f}", expected), fmt::format("{:.0f}", low),
                   fmt::format("{:.0f}", high)};
}

}  // namespace kpi::reporting
