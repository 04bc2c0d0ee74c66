// Whether a text is a value of a type, asked of the type's input function. For types of PostgreSQL
// itself: an input function of a user's would run with the caller's rights.
#pragma once

#include <string>

namespace kpi::pg {

// `type` as SQL. Errors: the type's own (22P02, 22003, 22007, ...), without a context.
void check_value(const std::string &type, const std::string &text);

}  // namespace kpi::pg
