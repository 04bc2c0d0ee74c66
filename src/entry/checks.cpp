// SQL functions of data quality: kpi.add_check, kpi.alter_check, kpi.drop_check, kpi.run_checks,
// kpi.mark_sensitive.
#include "monitor/check/definition.hpp"
#include "monitor/check/record.hpp"
#include "monitor/check/rights.hpp"
#include "pg/function.hpp"
#include "pg/lock.hpp"

namespace {

using kpi::pg::optional_text;
using kpi::pg::text_argument;

kpi::ObjectId relation_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) throw kpi::Error("22004", "argument \"relation\" must not be null");
    return {PG_GETARG_OID(index)};
}

}  // namespace

KPI_FUNCTION(add_check) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::monitor::NewCheck check;
    check.name = text_argument(fcinfo, 0);
    check.kind = text_argument(fcinfo, 1);
    check.source = optional_text(fcinfo, 2);
    if (!PG_ARGISNULL(3)) check.relation = relation_argument(fcinfo, 3);
    check.column = optional_text(fcinfo, 4);
    check.parameters = optional_text(fcinfo, 5).value_or("{}");
    check.severity = text_argument(fcinfo, 6);
    if (!PG_ARGISNULL(7)) check.sinks = kpi::pg::text_array(fcinfo, 7);
    check.every = text_argument(fcinfo, 8);
    const kpi::pg::Spi spi;
    kpi::monitor::add_check(caller, check);
    PG_RETURN_VOID();
}

KPI_FUNCTION(alter_check) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const std::string name = text_argument(fcinfo, 0);
    kpi::monitor::CheckChange change;
    change.parameters = optional_text(fcinfo, 1);
    change.severity = optional_text(fcinfo, 2);
    if (!PG_ARGISNULL(3)) change.sinks = kpi::pg::text_array(fcinfo, 3);
    change.every = optional_text(fcinfo, 4);
    if (!PG_ARGISNULL(5)) change.enabled = PG_GETARG_BOOL(5);
    const kpi::pg::Spi spi;
    kpi::monitor::alter_check(caller, name, change);
    PG_RETURN_VOID();
}

KPI_FUNCTION(drop_check) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const std::string name = text_argument(fcinfo, 0);
    const kpi::pg::Spi spi;
    kpi::monitor::drop_check(caller, name);
    PG_RETURN_VOID();
}

KPI_FUNCTION(run_checks) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const std::optional<std::string> name = optional_text(fcinfo, 0);
    const kpi::pg::Spi spi;
    kpi::pg::ResultSet result(fcinfo);
    std::vector<std::string> names;
    const kpi::pg::RunAs owner(kpi::pg::extension_owner(), kpi::pg::Restriction::identity);
    std::vector<kpi::monitor::Measured> measured;
    for (const kpi::monitor::Check &check : kpi::monitor::checks_of_caller(caller, name)) {
        names.push_back(check.name);
        measured.emplace_back(check, kpi::monitor::measure(check));
    }
    kpi::monitor::record(measured);
    result.append_query(
        "SELECT DISTINCT ON (r.name COLLATE \"C\") r.name, r.state, r.message, r.value, r.duration "
        "FROM kpi.check_result r WHERE r.name = ANY ($1) ORDER BY r.name COLLATE \"C\", r.at DESC",
        {names}, {});
    return Datum(0);
}

KPI_FUNCTION(mark_sensitive) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const kpi::ObjectId relation = relation_argument(fcinfo, 0);
    const std::string column = text_argument(fcinfo, 1);
    if (PG_ARGISNULL(2)) throw kpi::Error("22004", "argument \"sensitive\" must not be null");
    const kpi::pg::Spi spi;
    kpi::monitor::mark_sensitive(caller, relation, column, PG_GETARG_BOOL(2));
    PG_RETURN_VOID();
}
