// Levels of messages. ERROR is not among them: errors are thrown. prelude.hpp proves that the
// numbers are PostgreSQL's.
#pragma once

namespace kpi::pg {

enum class Level { debug = 14, log = 15, info = 17, notice = 18, warning = 19, fatal = 22 };

}  // namespace kpi::pg
