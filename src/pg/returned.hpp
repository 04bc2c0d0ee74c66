// What an SQL function returns, as a Datum that outlives the Spi. For the entry room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/table.hpp"

namespace kpi::pg {

uintptr_t bytes_datum(const std::string &bytes);  // bytea
// The first cell of the first row, of any type. Errors: 42704 for no row.
uintptr_t returned_value(std::string_view sql, const Params &params);

}  // namespace kpi::pg
