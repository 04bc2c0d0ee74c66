// What a reader pins while it runs: a long plan must not be compiled for a statement that runs a
// millisecond; dates as text are read back.
#pragma once

#include "pg/sql.hpp"

namespace kpi::engine {

inline pg::LocalSettings read_settings() {
    return pg::LocalSettings{{{"jit", "off"}, {"DateStyle", "ISO, YMD"}}};
}

}  // namespace kpi::engine
