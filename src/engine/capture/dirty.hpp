// Which days of a source a reader must take from the facts view, decided in the reader's own
// snapshot: the marks of kpi.dirty, or everything while the capture triggers are missing (a restore
// in progress); never frozen days.
#pragma once

#include "engine/view/captured_source.hpp"

namespace kpi::capture {

// A datemultirange as seen by the active snapshot. Raises 42704 for an unknown source and 42501
// unless the current user may read the facts view (rights.hpp).
Datum dirty_days(const char *source);

}  // namespace kpi::capture
