// Running one statement inside the pg room: the result stays in SPI_tuptable, for whoever takes it
// from there, or goes to a receiver row by row.
#pragma once

#include <string_view>

#include "pg/sql.hpp"

struct _DestReceiver;

namespace kpi::pg {

// The number of rows. Needs an open Spi.
int64_t run(std::string_view sql, const Params &params, const Options &options);

// Rows are not kept: the receiver, which runs inside the executor, sees each of them. Keep is
// honoured, See and limit are not.
void run_into(std::string_view sql, const Params &params, const Options &options,
              _DestReceiver *receiver);

}  // namespace kpi::pg
