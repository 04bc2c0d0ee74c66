// SQL functions of the outbox: kpi.add_sink, kpi.sinks_from_environment, kpi.drop_sink,
// kpi.share_sink, kpi.unshare_sink, kpi.notify, kpi.notify_report, kpi.redeliver, kpi.cancel,
// kpi.purge.
#include "delivery/from_environment.hpp"
#include "delivery/queue.hpp"
#include "delivery/registration.hpp"
#include "pg/bell.hpp"
#include "pg/function.hpp"
#include "pg/process.hpp"

namespace {

using kpi::Error;
using kpi::pg::optional_text;
using kpi::pg::text_argument;

void add(FunctionCallInfo fcinfo) {
    kpi::delivery::NewSink sink;
    sink.name = text_argument(fcinfo, 0);
    sink.kind = text_argument(fcinfo, 1);
    sink.url = optional_text(fcinfo, 2).value_or("");
    sink.options = optional_text(fcinfo, 3).value_or("{}");
    sink.secret = optional_text(fcinfo, 4).value_or("{}");
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::pg::Spi spi;
    kpi::delivery::add_sink(caller, sink);
    // Messages that waited for its secrets after a restore can go now.
    kpi::pg::ring_courier_at_commit();
}

// Every error of the call keeps its statement, which holds secrets, out of the log.
[[noreturn]] void hidden(Error error) {
    error.hide_statement = true;
    throw error;
}

void add_unseen(FunctionCallInfo fcinfo) {
    kpi::pg::report_activity("SELECT kpi.add_sink(...)");
    try {
        add(fcinfo);
    } catch (const Error &error) {
        hidden(error);
    } catch (const std::bad_alloc &) {
        hidden(Error("53200", "out of memory"));
    } catch (const std::exception &error) {
        hidden(Error("XX000", error.what()));
    }
}

std::optional<kpi::Timestamp> time_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    return kpi::Timestamp{PG_GETARG_TIMESTAMPTZ(index)};
}

kpi::ObjectId role_argument(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(1)) throw Error("22004", "argument \"role\" must not be null");
    return {PG_GETARG_OID(1)};
}

int64_t id_argument(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0)) throw Error("22004", "argument \"id\" must not be null");
    return PG_GETARG_INT64(0);
}

}  // namespace

KPI_FUNCTION(add_sink) {
    add_unseen(fcinfo);
    return kpi::pg::text_datum(text_argument(fcinfo, 0));
}

KPI_FUNCTION(sinks_from_environment) {
    kpi::pg::ResultSet result(fcinfo);
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::pg::Spi spi;
    for (const auto &found : kpi::delivery::sinks_from_environment(caller))
        result.append_query("SELECT $1::text, $2::text, $3::text, NULLIF($4, '')",
                            {found.sink, found.kind, found.state, found.reason}, {});
    kpi::pg::ring_courier_at_commit();
    return Datum(0);
}

KPI_FUNCTION(drop_sink) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::pg::Spi spi;
    kpi::delivery::drop_sink(caller, text_argument(fcinfo, 0));
    PG_RETURN_VOID();
}

KPI_FUNCTION(share_sink) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::pg::Spi spi;
    kpi::delivery::share_sink(caller, text_argument(fcinfo, 0), role_argument(fcinfo));
    PG_RETURN_VOID();
}

KPI_FUNCTION(unshare_sink) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::pg::Spi spi;
    kpi::delivery::unshare_sink(caller, text_argument(fcinfo, 0), role_argument(fcinfo));
    PG_RETURN_VOID();
}

KPI_FUNCTION(notify) {
    kpi::delivery::Draft draft;
    draft.sink = text_argument(fcinfo, 0);
    draft.message = text_argument(fcinfo, 1);
    draft.dedupe_key = optional_text(fcinfo, 2);
    draft.not_before = time_argument(fcinfo, 3);
    draft.group_key = optional_text(fcinfo, 4);
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::pg::Spi spi;
    PG_RETURN_INT64(kpi::delivery::notify(caller, draft));
}

KPI_FUNCTION(notify_content) {
    kpi::delivery::Draft draft;
    draft.sink = text_argument(fcinfo, 0);
    draft.content = kpi::pg::bytes_argument(fcinfo, 1);
    if (!draft.content) throw Error("22004", "argument \"content\" must not be null");
    draft.content_type = optional_text(fcinfo, 2);
    draft.object_key = optional_text(fcinfo, 3);
    draft.message = text_argument(fcinfo, 4);
    draft.dedupe_key = optional_text(fcinfo, 5);
    draft.not_before = time_argument(fcinfo, 6);
    draft.group_key = optional_text(fcinfo, 7);
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::pg::Spi spi;
    PG_RETURN_INT64(kpi::delivery::notify(caller, draft));
}

KPI_FUNCTION(notify_report) {
    kpi::delivery::Draft draft;
    draft.sink = text_argument(fcinfo, 0);
    if (PG_ARGISNULL(1)) throw Error("22004", "argument \"report\" must not be null");
    draft.report = PG_GETARG_INT64(1);
    draft.message = text_argument(fcinfo, 2);
    draft.dedupe_key = optional_text(fcinfo, 3);
    draft.not_before = time_argument(fcinfo, 4);
    draft.group_key = optional_text(fcinfo, 5);
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::pg::Spi spi;
    PG_RETURN_INT64(kpi::delivery::notify(caller, draft));
}

KPI_FUNCTION(redeliver) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::pg::Spi spi;
    kpi::delivery::redeliver(caller, id_argument(fcinfo));
    PG_RETURN_VOID();
}

KPI_FUNCTION(cancel) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::pg::Spi spi;
    kpi::delivery::cancel(caller, id_argument(fcinfo));
    PG_RETURN_VOID();
}

KPI_FUNCTION(purge) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::pg::Spi spi;
    PG_RETURN_INT64(kpi::delivery::purge(caller, text_argument(fcinfo, 0)));
}
