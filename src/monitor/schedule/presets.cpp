#include "monitor/schedule/presets.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/similar_names.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {

const std::vector<Preset> &presets() {
    static const std::vector<Preset> all = {
        {"kpi_reports", "report_daily", "reports_schedule", "run_reports", "'daily'", "1 day"},
        {"kpi_reports_weekly", "report_weekly", "reports_weekly_schedule", "run_reports",
         "'weekly'", "3 days"},
        {"kpi_reports_monthly", "report_monthly", "reports_monthly_schedule", "run_reports",
         "'monthly'", "7 days"},
        {"kpi_refresh_materialized", "refresh", "refresh_schedule", "", "", "1 day"},
        {"kpi_dq_health_checks", "checks", "dq_health_schedule", "run_checks", "", "6 hours"},
        {"kpi_query_performance", "probes", "query_performance_schedule", "run_probes", "",
         "30 minutes"},
        {"kpi_heartbeat", "heartbeat", "heartbeat_schedule", "", "", "10 minutes"},
    };
    return all;
}

Preset preset(const std::string &job) {
    const auto found = std::find_if(presets().begin(), presets().end(),
                                    [&](const Preset &one) { return one.job == job; });
    if (found != presets().end()) return *found;
    constexpr std::string_view kReport = "kpi_report_";
    if (job.starts_with(kReport)) {
        const std::string report = job.substr(kReport.size());
        if (pg::value("SELECT 1 FROM kpi.report_plan WHERE name = $1", {report}))
            return {job, "report", "", "run_reports", pg::literal(report), "1 day"};
    }
    std::vector<std::string> names;
    for (const Preset &one : presets()) names.emplace_back(one.job);
    const std::string meant = near(job, names);
    throw Error("42704", fmt::format("there is no job \"{}\"", job), {},
                meant.empty() ? fmt::format("The jobs are {}.", quoted_list(names))
                              : fmt::format("Did you mean {}?", meant));
}

std::optional<std::string> hindrance(const Preset &preset) {
    if (preset.function.empty()) return std::nullopt;
    const Cell callable = pg::value(
        R"(
        SELECT 1 FROM pg_catalog.pg_proc p
         WHERE p.pronamespace = 'kpi'::pg_catalog.regnamespace AND p.prokind = 'f' AND p.proname = $1
           AND $2 BETWEEN p.pronargs - p.pronargdefaults AND p.pronargs)",
        {preset.function, int64_t(preset.argument.empty() ? 0 : 1)});
    if (callable) return std::nullopt;
    return fmt::format("function kpi.{}({}) does not exist", preset.function,
                       preset.argument.empty() ? "" : "text");
}

}  // namespace kpi::monitor
