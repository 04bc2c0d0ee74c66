#include "environment/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "core/cron.hpp"
#include "core/error.hpp"

namespace kpi::environment {
namespace {

constexpr double kMany = 1e12;

}  // namespace

const std::vector<Key> &keys() {
    static const std::vector<Key> all = {
        {"leads_critical", Type::number, "50", "critical below this many leads a day", 0, kMany},
        {"leads_warning", Type::number, "80", "warning below this many leads a day", 0, kMany},
        {"revenue_vs_avg7d_critical", Type::number, "0.70",
         "critical below this share of the average of 7 days", 0, 10},
        {"revenue_vs_avg7d_warning", Type::number, "0.85",
         "warning below this share of the average of 7 days", 0, 10},
        {"payment_success_critical", Type::number, "92",
         "critical below this percentage of payments that succeed", 0, 100},
        {"payment_success_warning", Type::number, "95",
         "warning below this percentage of payments that succeed", 0, 100},
        {"leads_by_segment_warning", Type::number, "20",
         "warning below this many leads a day of one segment", 0, kMany},
        {"revenue_by_segment_warning", Type::number, "0.70",
         "warning below this share of the segment's average of 7 days", 0, 10},
        {"zscore_warning", Type::number, "-2",
         "warning at this many standard deviations from the mean of 28 days, or beyond", -100, 0},
        {"backup_after_minutes", Type::number, "3",
         "Grafana's backup alerts fire when the worker was silent for so long; 0: always", 0, 1440},
        {"refresh_schedule", Type::schedule, "0 */4 * * *", "when kpi_refresh_materialized runs"},
        {"analyze_after_refresh", Type::flag, "false",
         "whether kpi_refresh_materialized runs ANALYZE on what it refreshed"},
        {"dq_health_schedule", Type::schedule, "0 */6 * * *", "when kpi_dq_health_checks runs"},
        {"query_performance_schedule", Type::schedule, "*/30 * * * *",
         "when kpi_query_performance runs"},
        {"reports_schedule", Type::schedule, "0 8 * * *", "when kpi_reports runs"},
        {"reports_weekly_schedule", Type::schedule, "0 9 * * 1", "when kpi_reports_weekly runs"},
        {"reports_monthly_schedule", Type::schedule, "0 9 1 * *", "when kpi_reports_monthly runs"},
        {"heartbeat_schedule", Type::schedule, "*/5 * * * *", "when kpi_heartbeat runs"},
        {"time_zone", Type::zone, "UTC", "the time zone of schedules that name none"},
    };
    return all;
}

const Key *find_key(std::string_view name) {
    const auto found = std::find_if(keys().begin(), keys().end(),
                                    [&](const Key &key) { return key.name == name; });
    return found == keys().end() ? nullptr : &*found;
}

const std::vector<Levels> &levels() {
    static const std::vector<Levels> all = {
        {"leads_critical", "leads_warning"},
        {"revenue_vs_avg7d_critical", "revenue_vs_avg7d_warning"},
        {"payment_success_critical", "payment_success_warning"}};
    return all;
}

bool is_plain_number(std::string_view text) {
    if (!text.empty() && text.front() == '-') text.remove_prefix(1);
    const size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    const auto digits = [](std::string_view part) {
        return !part.empty() && part.size() <= 15 &&
               std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    if (!digits(whole) || (whole.size() > 1 && whole.front() == '0')) return false;
    return point == std::string_view::npos || digits(text.substr(point + 1));
}

std::string fault_of(const Key &key, std::string_view value) {
    const std::string text(value);
    switch (key.type) {
        case Type::number: {
            if (!is_plain_number(value)) return "it must be a number such as 0.85";
            const double number = std::strtod(text.c_str(), nullptr);
            if (number < key.least || number > key.most)
                return fmt::format("it must be from {} to {}", key.least, key.most);
            return {};
        }
        case Type::schedule:
            try {
                (void)Cron(value);
            } catch (const Error &error) {
                return error.message;
            }
            return {};
        case Type::flag:
            return value == "true" || value == "false" ? "" : "it must be true or false";
        case Type::zone:
            break;
    }
    return value.empty() ? "it must name a time zone" : "";
}

}  // namespace kpi::environment
