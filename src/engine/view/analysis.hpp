// Can trigger capture serve a facts view? The answer with its reason and mend, as plain data for
// kpi.track. This header shows no PostgreSQL; the implementation guards every call.
#pragma once

#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::capture {

// Why trigger capture cannot serve the view. `structural`: nothing is wrong with the view, another
// mode serves it.
struct Refusal {
    bool refused = false;
    bool structural = false;
    std::string sqlstate = "0A000", message, detail, hint;
};

struct Analysis {
    ObjectId base;  // the one table the view reads; 0 when refused for its shape
    Refusal refusal;
};

// Columns: time column, dimensions and measures of the view; all exist. Throws 42P17 for a view
// that no mode can serve (volatile functions, TABLESAMPLE).
Analysis analyze(ObjectId facts, const std::vector<std::string> &columns);

}  // namespace kpi::capture
