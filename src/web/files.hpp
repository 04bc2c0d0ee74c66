// Answers that are files: an export, a stored report.
#pragma once

#include "web/parameters.hpp"
#include "web/plan.hpp"

namespace kpi::web {

// HttpError 400.
Plan export_plan(Parameters &parameters);
// Of a row of report_question. HttpError 404, and what the database said.
Response report_file(const Reply &reply);

}  // namespace kpi::web
