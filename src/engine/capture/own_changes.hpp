// Whether the calling transaction has changes that are not flushed yet: for readers, who need
// kpi._pending only then.
#pragma once

namespace kpi::capture {

bool has_own_changes();

}  // namespace kpi::capture
