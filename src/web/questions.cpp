#include "web/questions.hpp"

#include <array>

namespace kpi::web {
namespace {

struct Endpoint {
    const char *path;
    Question (*question)(Parameters &);
};

constexpr std::array<Endpoint, 11> kEndpoints = {{
    {"/api/kpi/summary", summary_question},
    {"/api/kpi/timeseries", timeseries_question},
    {"/api/kpi/segments", segments_question},
    {"/api/kpi/query", old_query_question},
    {"/api/kpi/anomalies", anomalies_question},
    {"/api/kpi/explain", explain_question},
    {"/api/kpi/forecast", forecast_question},
    {"/api/kpi/incidents", incidents_question},
    {"/api/kpi/quality", quality_question},
    {"/api/kpi/recent", recent_question},
    {"/api/reports", reports_question},
}};

}  // namespace

std::optional<Question> api_question(const std::string &path, Parameters &parameters) {
    for (const Endpoint &endpoint : kEndpoints) {
        if (path != endpoint.path) continue;
        Question out = endpoint.question(parameters);
        parameters.refuse_others();
        return out;
    }
    return std::nullopt;
}

}  // namespace kpi::web
