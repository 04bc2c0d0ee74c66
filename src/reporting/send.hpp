// Making and sending a report. Needs an open Spi; reads and queues as the current role.
// Errors: those of make(), 42704 for a sink, 22023 for one that takes no reports.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/dates.hpp"
#include "core/table.hpp"
#include "reporting/edition.hpp"

namespace kpi::reporting {

struct Sending {
    std::string report;  // daily, weekly, monthly, or the name of a plan
    std::optional<Date> as_of;
    std::optional<std::vector<std::string>> sinks, formats;  // nullopt: the plan's
    std::optional<std::string> language;
};
// The id in kpi.announcement.
int64_t send(ObjectId caller, const Sending &wish);

// The report of the kind, and the caller's plans of it, each as its owner; one that fails opens an
// incident and stops no other. Returns how many were made. Errors: that of the report of the kind
// when there are no plans. Numbers that end before yesterday are a failure (demand_fresh).
int64_t run_reports(ObjectId caller, Kind kind);

// One plan, as its owner. Errors: those of making and sending it.
int64_t run_report(ObjectId caller, const std::string &name);

}  // namespace kpi::reporting
