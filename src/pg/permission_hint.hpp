// "permission denied for function kpi.track" tells nobody which role to ask for. PostgreSQL raises
// it before any code of ours runs, so the hint is added on its way out: to errors of planning, of
// the start of a statement, and of CALL.
#pragma once

namespace kpi::pg {

// Once per process, when the library is loaded. Where it is not preloaded, a session gets the hint
// from its second call of kpi on.
void watch_permissions();

}  // namespace kpi::pg
