// Small texts of SQL: arrays as parameters, names as identifiers, the filters of a request.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "web/parameters.hpp"

namespace kpi::web {

// {"a","b"}: a parameter of an array type.
std::string array_text(const std::vector<std::string> &elements);
// The one function that quotes an identifier.
std::string identifier(std::string_view name);
// country, source and filters as the jsonb that kpi.query takes. HttpError 400.
std::string filters_of(Parameters &parameters);
// An SQL expression for a JSON number: NaN and infinities, which JSON lacks, as null.
std::string number(std::string_view expression);

}  // namespace kpi::web
