#include "engine/rollup/mutex.hpp"

#include "core/error.hpp"
#include "pg/lock.hpp"

namespace kpi::engine {

bool lock_source(const MutexRequest &request, Wait wait) {
    if (!pg::share_extension()) throw Error("42704", "extension \"kpi_ext\" does not exist");
    for (const ObjectId relation : {request.base, request.facts})
        if (relation.value != 0 && !pg::try_share(relation)) return false;
    if (pg::try_advisory(request.delta)) return true;
    if (wait == Wait::no) return false;
    pg::advisory(request.delta);
    return true;
}

}  // namespace kpi::engine
