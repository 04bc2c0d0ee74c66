// SQL functions of incidents: kpi._observe, kpi.ack, kpi.assign, kpi.comment, kpi.feedback,
// kpi.silence, kpi.drop_silence, kpi.incident_link, kpi.read_link, kpi.follow_link.
#include "monitor/incident/links.hpp"
#include "monitor/incident/observe.hpp"
#include "monitor/incident/people.hpp"
#include "pg/function.hpp"
#include "pg/lock.hpp"
#include "pg/waiter.hpp"

namespace {

using kpi::pg::optional_text;
using kpi::pg::text_argument;

int64_t id_argument(FunctionCallInfo fcinfo, const char *name) {
    if (PG_ARGISNULL(0))
        throw kpi::Error("22004", std::string("argument \"") + name + "\" must not be null");
    return PG_GETARG_INT64(0);
}

kpi::monitor::Observation observation(FunctionCallInfo fcinfo) {
    kpi::monitor::Observation seen;
    seen.fingerprint = text_argument(fcinfo, 0);
    seen.kind = text_argument(fcinfo, 1);
    seen.title = text_argument(fcinfo, 2);
    seen.severity = text_argument(fcinfo, 3);
    seen.seen = kpi::monitor::Seen::unclear;
    if (!PG_ARGISNULL(4))
        seen.seen = PG_GETARG_BOOL(4) ? kpi::monitor::Seen::bad : kpi::monitor::Seen::good;
    if (!PG_ARGISNULL(5)) seen.sinks = kpi::pg::text_array(fcinfo, 5);
    if (PG_ARGISNULL(6)) throw kpi::Error("22004", "argument \"owner\" must not be null");
    seen.role = {PG_GETARG_OID(6)};
    seen.details = optional_text(fcinfo, 7).value_or("{}");
    if (seen.details[0] != '{') throw kpi::Error("22023", "details must be a JSON object");
    return seen;
}

}  // namespace

KPI_FUNCTION(observe) {
    std::optional<int64_t> incident;
    {
        const kpi::pg::Spi spi;
        const kpi::pg::RunAs owner(kpi::pg::extension_owner(), kpi::pg::Restriction::identity);
        incident = kpi::monitor::observe(observation(fcinfo), kpi::pg::now());
    }
    if (!incident) PG_RETURN_NULL();
    PG_RETURN_INT64(*incident);
}

KPI_FUNCTION(ack) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const kpi::pg::Spi spi;
    kpi::monitor::acknowledge(caller, id_argument(fcinfo, "incident"));
    PG_RETURN_VOID();
}

KPI_FUNCTION(incident_link) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const int64_t incident = id_argument(fcinfo, "incident");
    const std::string action = text_argument(fcinfo, 1);
    std::string url;
    {
        const kpi::pg::Spi spi;
        const kpi::pg::RunAs owner(kpi::pg::extension_owner(), kpi::pg::Restriction::identity);
        url = kpi::monitor::incident_link(caller, incident, action);
    }
    return kpi::pg::text_datum(url);
}

// Both are SECURITY DEFINER: the token is the authority.
KPI_FUNCTION(read_link) {
    const std::string token = text_argument(fcinfo, 0);
    std::string shown;
    {
        const kpi::pg::Spi spi;
        shown = kpi::monitor::read_link(token);
    }
    return kpi::pg::jsonb_datum(shown);
}

KPI_FUNCTION(follow_link) {
    const std::string token = text_argument(fcinfo, 0);
    std::string shown;
    {
        const kpi::pg::Spi spi;
        shown = kpi::monitor::follow_link(token);
    }
    return kpi::pg::jsonb_datum(shown);
}

KPI_FUNCTION(assign) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const kpi::pg::Spi spi;
    kpi::monitor::assign(caller, id_argument(fcinfo, "incident"), text_argument(fcinfo, 1));
    PG_RETURN_VOID();
}

KPI_FUNCTION(comment) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const kpi::pg::Spi spi;
    kpi::monitor::comment(caller, id_argument(fcinfo, "incident"), text_argument(fcinfo, 1));
    PG_RETURN_VOID();
}

KPI_FUNCTION(feedback) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const kpi::pg::Spi spi;
    kpi::monitor::give_feedback(caller, id_argument(fcinfo, "incident"), text_argument(fcinfo, 1));
    PG_RETURN_VOID();
}

KPI_FUNCTION(silence) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const std::string matcher = text_argument(fcinfo, 0);
    if (PG_ARGISNULL(1)) throw kpi::Error("22004", "argument \"until\" must not be null");
    const kpi::Timestamp until{PG_GETARG_TIMESTAMPTZ(1)};
    const kpi::pg::Spi spi;
    PG_RETURN_INT64(kpi::monitor::silence(caller, matcher, until, text_argument(fcinfo, 2)));
}

KPI_FUNCTION(drop_silence) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const kpi::pg::Spi spi;
    PG_RETURN_BOOL(kpi::monitor::drop_silence(caller, id_argument(fcinfo, "id")));
}
