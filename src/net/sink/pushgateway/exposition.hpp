// Prometheus' text format 0.0.4, for a Pushgateway, and the path of a group there.
// Sources: Prometheus' documentation "Exposition formats" and the Pushgateway's README.
//
// Metrics are an array of {"name", "type", "help", "samples": [{"labels": {}, "value": n}]}. Type
// is gauge, counter or untyped: a histogram or summary is several series under one name and has no
// form here. A value is a number, or one of the texts NaN, +Inf and -Inf. A label that is empty is
// the same as none.
// Errors: 22023 for what the Pushgateway would refuse by the message alone, for a metric without
// help, and for what would silently change: a label that is in the grouping already. The advice of
// `promtool check metrics` on good names (_total, base units) is not enforced.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace kpi::net::pushgateway {

// `grouping`: label names to texts, without job.
// The body of a push; empty when there are no metrics.
std::string exposition(const nlohmann::json &metrics, const nlohmann::json &grouping);

// "/metrics/job/<job>/<label>/<value>", values that are no plain words in their base64 form.
std::string group_path(const std::string &job, const nlohmann::json &grouping);

}  // namespace kpi::net::pushgateway
