// Alerting and recording rules for Prometheus, as the file of an environment makes them.
//
// They read what kpi.prometheus_text exposes and kpi.publish pushes of the ready-made pack: leads,
// revenue, payments, payments_success_rate, by any dimensions. An open day is judged by what
// should be there by now; numbers that nobody renews are judged by nobody but the rules on their
// age.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace kpi::environment {

// A rule file in Prometheus' YAML, ready for promtool, without its last line end. `environment`
// becomes a label of every alert; `values`: every key of keys() with the value that counts.
// Errors: XX000 when a key is missing.
std::string alerting_rules(std::string_view environment,
                           const std::map<std::string, std::string> &values);

}  // namespace kpi::environment
