// SQL functions of the worker: kpi.wake, kpi.work, kpi.status, kpi.refresh, kpi.watch_view,
// kpi.unwatch_view, kpi.test_sink.
#include "pg/bell.hpp"
#include "pg/function.hpp"
#include "pg/guard.hpp"
#include "worker/by_hand.hpp"
#include "worker/status.hpp"
#include "worker/test_sink.hpp"

namespace {

using kpi::ObjectId;
using namespace kpi::worker;

ObjectId caller() { return {GetUserId()}; }

ObjectId view_argument(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0)) throw kpi::Error("22004", "argument \"view\" must not be null");
    return {PG_GETARG_OID(0)};
}

}  // namespace

KPI_FUNCTION(wake) {
    kpi::pg::ring_at_commit(kpi::pg::Urgency::urgent);
    PG_RETURN_VOID();
}

KPI_FUNCTION(work) {
    auto *context = reinterpret_cast<CallContext *>(fcinfo->context);
    const bool atomic = context == nullptr || !IsA(context, CallContext) || context->atomic;
    work_by_hand(atomic ? Commits::forbidden : Commits::allowed);
    PG_RETURN_VOID();
}

KPI_FUNCTION(status) {
    std::string state;
    {
        kpi::pg::Spi spi;  // what it allocates ends with it, so the result is made after it
        state = status(caller());
    }
    return kpi::pg::jsonb_datum(state);
}

KPI_FUNCTION(refresh) {
    std::optional<ObjectId> view;
    if (!PG_ARGISNULL(0)) view = ObjectId{PG_GETARG_OID(0)};
    const bool exclusive = !PG_ARGISNULL(1) && !PG_GETARG_BOOL(1);
    Analyze analyze = Analyze::when_new;
    if (!PG_ARGISNULL(2)) analyze = PG_GETARG_BOOL(2) ? Analyze::always : Analyze::never;
    kpi::pg::Spi spi;
    PG_RETURN_INT64(refresh_by_hand(caller(), view,
                                    exclusive ? Manner::exclusive : Manner::concurrent, analyze));
}

KPI_FUNCTION(watch_view) {
    kpi::pg::Spi spi;
    watch_view(caller(), view_argument(fcinfo));
    kpi::pg::ring_at_commit();
    PG_RETURN_VOID();
}

KPI_FUNCTION(unwatch_view) {
    kpi::pg::Spi spi;
    unwatch_view(caller(), view_argument(fcinfo));
    PG_RETURN_VOID();
}

// What is sent is sent: code that may only read, such as a check's or a report's, may not.
KPI_FUNCTION(test_sink) {
    kpi::pg::call([] { PreventCommandIfReadOnly("kpi.test_sink()"); });
    const ObjectId role = caller();
    kpi::pg::ResultSet result(fcinfo);
    kpi::pg::Spi spi;
    const Tested tested = test_sink(role, kpi::pg::text_argument(fcinfo, 0));
    const char *state = "delivered";
    if (tested.outcome.state == kpi::net::Outcome::State::retry) state = "retry";
    if (tested.outcome.state == kpi::net::Outcome::State::dead) state = "dead";
    result.append_query(
        "SELECT $1::pg_catalog.text, NULLIF($2, 0)::pg_catalog.int4, NULLIF($3, ''), "
        "pg_catalog.make_interval(secs => $4)",
        {std::string(state), int64_t(tested.outcome.status), tested.outcome.error,
         double(tested.milliseconds) / 1000},
        {});
    return Datum(0);
}
