// Running one statement inside the pg room: the result stays in SPI_tuptable, for whoever takes it
// from there.
#pragma once

#include <string_view>

#include "pg/sql.hpp"

namespace kpi::pg {

// The number of rows. Needs an open Spi.
int64_t run(std::string_view sql, const Params &params, const Options &options);

}  // namespace kpi::pg
