#include "reporting/make.hpp"

#include "core/error.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"
#include "report/csv.hpp"
#include "report/html.hpp"
#include "report/json.hpp"
#include "report/plain.hpp"
#include "report/xlsx.hpp"
#include "reporting/archive.hpp"
#include "reporting/contents.hpp"
#include "reporting/figures.hpp"
#include "reporting/plan.hpp"

namespace kpi::reporting {
namespace {

std::string written(const report::Document &document, const std::string &format) {
    if (format == "csv") return report::csv(document.data.value());
    if (format == "json") return report::json(document);
    if (format == "html") return report::html(document);
    // A statement is where a cancel counts.
    if (format == "xlsx")
        return report::xlsx(document, {"/tmp", [] { (void)pg::value("SELECT 1"); }});
    return report::plain(document, report::Extent::full);
}

}  // namespace

report::Document contents(const Edition &edition, const Scope &scope) {
    switch (edition.kind) {
        case Kind::daily:
            return daily(edition, scope);
        case Kind::weekly:
            return weekly(edition, scope);
        case Kind::monthly:
            return monthly(edition, scope);
        case Kind::sql:
            return own(edition, scope);
    }
    throw Error("XX000", "no such kind of report");
}

Made make(ObjectId owner, Edition what, const Scope &scope, const std::optional<Date> &as_of) {
    demand_form(what.format);
    demand_language(what.language);
    set_days(what, as_of ? *as_of : last_day(scope));
    hold(owner, what);
    const pg::OuterSnapshot numbers;
    demand_over(scope, what.to);
    Made out{0, what, contents(what, scope)};
    out.id = keep(owner, what, [&](int version) {
        out.document.version = version;
        return written(out.document, what.format);
    });
    return out;
}

int64_t make(ObjectId caller, const Wish &wish) {
    const std::optional<Plan> plan = find_plan(caller, wish.report);
    Edition what;
    what.name = wish.report;
    what.kind = plan ? plan->kind : parse_kind(wish.report);
    what.format = wish.format.value_or(plan ? plan->formats.front() : usual_format(what.kind));
    what.language = wish.language.value_or(plan ? plan->language : pg::settings().language);
    if (what.kind != Kind::sql)
        return make(caller, what, plan ? scope_of(*plan) : everything(), wish.as_of).id;
    // What somebody wrote runs with their rights, whoever asks for it.
    const pg::RunAs owner(plan->owner, pg::Restriction::identity);
    return make(plan->owner, what, scope_of(*plan), wish.as_of).id;
}

}  // namespace kpi::reporting
