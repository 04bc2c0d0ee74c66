// SQL functions of reports: kpi.make_report, kpi.report_content, kpi.send_report, kpi.run_reports,
// kpi.add_report, kpi.alter_report, kpi.drop_report, kpi.report_day.
#include "pg/function.hpp"
#include "pg/lock.hpp"
#include "pg/returned.hpp"
#include "pg/settings.hpp"
#include "reporting/archive.hpp"
#include "reporting/contents.hpp"
#include "reporting/make.hpp"
#include "reporting/plan.hpp"
#include "reporting/send.hpp"

namespace {

std::optional<kpi::Date> date_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    return kpi::Date{PG_GETARG_DATEADT(index)};
}

std::optional<std::vector<std::string>> texts_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    return kpi::pg::text_array(fcinfo, index);
}

int64_t id_argument(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0)) throw kpi::Error("22004", "argument \"id\" must not be null");
    return PG_GETARG_INT64(0);
}

}  // namespace

KPI_FUNCTION(make_report) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::reporting::Wish wish;
    wish.report = kpi::pg::text_argument(fcinfo, 0);
    wish.as_of = date_argument(fcinfo, 1);
    wish.format = kpi::pg::optional_text(fcinfo, 2);
    wish.language = kpi::pg::optional_text(fcinfo, 3);
    const kpi::pg::Spi spi;
    const int64_t id = kpi::reporting::make(caller, wish);
    const kpi::pg::RunAs as_extension_owner(kpi::pg::extension_owner(),
                                            kpi::pg::Restriction::identity);
    return kpi::pg::returned_value("SELECT r FROM kpi.report r WHERE r.id = $1", {id});
}

KPI_FUNCTION(report_content) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const int64_t id = id_argument(fcinfo);
    std::string content;
    {
        const kpi::pg::Spi spi;
        content = kpi::reporting::content(caller, id);
    }
    return kpi::pg::bytes_datum(content);
}

KPI_FUNCTION(send_report) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::reporting::Sending wish;
    wish.report = kpi::pg::text_argument(fcinfo, 0);
    wish.as_of = date_argument(fcinfo, 1);
    wish.sinks = texts_argument(fcinfo, 2);
    wish.formats = texts_argument(fcinfo, 3);
    wish.language = kpi::pg::optional_text(fcinfo, 4);
    const kpi::pg::Spi spi;
    PG_RETURN_INT64(kpi::reporting::send(caller, wish));
}

KPI_FUNCTION(run_reports) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const std::string which = kpi::pg::text_argument(fcinfo, 0);
    const kpi::pg::Spi spi;
    if (kpi::reporting::find_plan(caller, which))
        PG_RETURN_INT64(kpi::reporting::run_report(caller, which));
    PG_RETURN_INT64(kpi::reporting::run_reports(caller, kpi::reporting::parse_kind(which)));
}

KPI_FUNCTION(add_report) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    kpi::reporting::Plan plan;
    plan.name = kpi::pg::text_argument(fcinfo, 0);
    plan.kind = kpi::reporting::parse_plan_kind(kpi::pg::text_argument(fcinfo, 1));
    if (PG_ARGISNULL(2)) throw kpi::Error("22004", "argument \"sinks\" must not be null");
    plan.sinks = kpi::pg::text_array(fcinfo, 2);
    plan.formats = texts_argument(fcinfo, 3).value_or(
        std::vector<std::string>{kpi::reporting::usual_format(plan.kind)});
    plan.language = kpi::pg::optional_text(fcinfo, 4).value_or(kpi::pg::settings().language);
    plan.options = kpi::pg::text_argument(fcinfo, 5);
    plan.schedule = kpi::pg::optional_text(fcinfo, 6);
    plan.time_zone = kpi::pg::optional_text(fcinfo, 7);
    const kpi::pg::Spi spi;
    kpi::reporting::add_plan(caller, plan);
    PG_RETURN_VOID();
}

KPI_FUNCTION(alter_report) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const std::string name = kpi::pg::text_argument(fcinfo, 0);
    kpi::reporting::PlanChange change;
    change.sinks = texts_argument(fcinfo, 1);
    change.formats = texts_argument(fcinfo, 2);
    change.language = kpi::pg::optional_text(fcinfo, 3);
    change.options = kpi::pg::optional_text(fcinfo, 4);
    if (!PG_ARGISNULL(5)) change.enabled = PG_GETARG_BOOL(5);
    change.schedule = kpi::pg::optional_text(fcinfo, 6);
    change.time_zone = kpi::pg::optional_text(fcinfo, 7);
    const kpi::pg::Spi spi;
    kpi::reporting::alter_plan(caller, name, change);
    PG_RETURN_VOID();
}

KPI_FUNCTION(drop_report) {
    const kpi::ObjectId caller = kpi::pg::current_role();
    const kpi::pg::Spi spi;
    kpi::reporting::drop_plan(caller, kpi::pg::text_argument(fcinfo, 0));
    PG_RETURN_VOID();
}

KPI_FUNCTION(report_day) {
    (void)fcinfo;
    const kpi::pg::Spi spi;
    const kpi::pg::RunAs as_extension_owner(kpi::pg::extension_owner(),
                                            kpi::pg::Restriction::identity);
    PG_RETURN_DATEADT(kpi::reporting::report_day().days);
}
