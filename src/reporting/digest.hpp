// A report as a message: its figures, what is under way today with its pace, and what is open.
// Other than a report it is of the moment. Needs what contents.hpp needs.
#pragma once

#include "report/document.hpp"
#include "reporting/edition.hpp"
#include "reporting/scope.hpp"

namespace kpi::reporting {

report::Document digest(const Edition &edition, const Scope &scope);

}  // namespace kpi::reporting
