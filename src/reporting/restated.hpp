// What has become of days and months since they were first seen, where kpi.keep_history keeps that:
// a note of the document for each metric. Needs what contents.hpp needs.
#pragma once

#include "report/document.hpp"
#include "reporting/scope.hpp"

namespace kpi::reporting {

// grain: day or month. Of a scope with filters the history by just these dimensions counts.
void say_restated(const Scope &scope, Date from, Date to, const char *grain,
                  report::Document &document);

}  // namespace kpi::reporting
