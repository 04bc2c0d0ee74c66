// Several currencies are never added in silence. Needs what contents.hpp needs.
#pragma once

#include "core/dates.hpp"
#include "reporting/scope.hpp"

namespace kpi::reporting {

// Says of each metric of the document that amounts in several currencies are added in it, and takes
// its currency from it. The currency of an amount is that of its metric (kpi.set_unit), or a
// dimension named currency.
void say_currencies(const Scope &scope, Date from, Date to, report::Document &document);

}  // namespace kpi::reporting
