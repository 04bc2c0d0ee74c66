// Why a metric moved in one bucket: causes by segment, with what the detectors expect as the other
// side.
//
// An open bucket is compared up to the same time. Expected: the median of the same weekday of the
// four weeks before (compare = expected), or the counterpart that kpi.query knows (previous,
// same_weekday, week, month, year). Errors: 22023 for an unknown comparison; what kpi.query raises.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace kpi::monitor {

struct ExplainRequest {
    std::string metric, at = "yesterday", compare = "expected";
    std::optional<std::vector<std::string>> by;  // nullopt: every dimension of the source
    int top = 5;
    std::string filters = "{}", grain = "day";  // hour: `at` is a timestamp
};

struct Explanation {
    std::string
        segment;  // JSON: {"country": "MX"}, or {"country": ["MX", "ES"]} for any of several
    double value = 0, expected = 0, change = 0;
    // of the total's change; of all that moved to the same side where parts cancel each other
    std::optional<double> share;
    std::optional<double> rate_effect, mix_effect;
    std::string presence;  // "", "new", "vanished", or "overall": no part stands out
};

std::vector<Explanation> explain(const ExplainRequest &request);

}  // namespace kpi::monitor
