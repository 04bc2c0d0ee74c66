// src/web/openapi.json, compiled in.
#pragma once

#include <string>

namespace kpi::web {

std::string openapi_text();

}  // namespace kpi::web
