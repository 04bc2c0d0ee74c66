// What an error of a facts view's expressions means: it is about the row, which then contributes
// nothing; or about the definition or the system, and the source becomes dirty; or it must end the
// statement of the writer.
#pragma once

#include "pg/prelude.hpp"

namespace kpi::capture {

// About the row: data errors, and everything that a function raises by itself.
bool is_data_error(const ErrorData *failure);
// Cancel, timeout, resources, serialization, deadlock: not ours to swallow.
bool must_rethrow(const ErrorData *failure);

}  // namespace kpi::capture
