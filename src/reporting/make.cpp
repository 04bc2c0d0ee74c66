#include "reporting/make.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/error.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"
#include "pg/time_limit.hpp"
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
    if (format == "csv") return report::csv(document.data.value(), pg::obey_cancel);
    if (format == "json") return report::json(document, pg::obey_cancel);
    if (format == "xlsx") return report::xlsx(document, {"/tmp", pg::obey_cancel});
    // Of rows these show some hundreds.
    if (format == "html") return report::html(document);
    return report::plain(document, report::Extent::full);
}

std::string written_in_time(const report::Document &document, const std::string &format) {
    const int seconds = pg::settings().check_timeout;
    const pg::CancelAfter limit(int64_t{seconds} * 1000);
    try {
        std::string out = written(document, format);
        pg::obey_cancel();
        return out;
    } catch (const Error &) {
        if (!limit.fired()) throw;
    }
    throw Error(
        "54000", fmt::format("writing the report as {} took longer than {} s", format, seconds), {},
        "Fewer rows or columns, or another format; kpi.check_timeout says how long it may take.");
}

// Rows of a user's are the report: people see them, programs read the data itself.
const report::Document &shown_in(const std::string &format, const report::Document &document,
                                 report::Document &people) {
    if (format != "html" && format != "text") return document;
    if (people.sections.empty()) people = with_rows(document);
    return people;
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

Made make(ObjectId owner, Edition what, const std::vector<std::string> &formats, const Scope &scope,
          const std::optional<Date> &as_of) {
    if (formats.empty())
        throw Error("22023", "a report needs a format", {}, "For example formats => '{csv}'.");
    std::for_each(formats.begin(), formats.end(), demand_form);
    demand_language(what.language);
    set_days(what, as_of ? *as_of : last_day(scope));
    // In one order, whatever the order of theirs: two sessions wait, and never for each other.
    for (const std::string &format : std::set<std::string>(formats.begin(), formats.end())) {
        what.format = format;
        hold(owner, what);
    }
    const pg::OuterSnapshot numbers;
    demand_over(scope, what.to);
    // All the others say more than csv.
    const auto fullest = std::find_if(formats.begin(), formats.end(),
                                      [](const std::string &format) { return format != "csv"; });
    what.format = fullest == formats.end() ? formats.front() : *fullest;
    Made out{{}, contents(what, scope)};
    report::Document people;
    for (const std::string &format : formats) {
        what.format = format;
        File file{0, what, 1};
        file.id = keep(owner, what, [&](int version) {
            file.version = version;
            out.document.version = people.version = version;
            return written_in_time(
                scope.own ? shown_in(format, out.document, people) : out.document, format);
        });
        out.files.push_back(std::move(file));
    }
    return out;
}

int64_t make(ObjectId caller, const Wish &wish) {
    const std::optional<Plan> plan = find_plan(caller, wish.report);
    Edition what;
    what.name = wish.report;
    what.kind = plan ? plan->kind : parse_kind(wish.report);
    const std::string format =
        wish.format.value_or(plan ? plan->formats.front() : usual_format(what.kind));
    what.language = wish.language.value_or(plan ? plan->language : pg::settings().language);
    if (what.kind != Kind::sql)
        return make(caller, what, {format}, plan ? scope_of(*plan) : everything(), wish.as_of)
            .files.front()
            .id;
    // What somebody wrote runs with their rights, whoever asks for it.
    const pg::RunAs owner(plan->owner, pg::Restriction::identity);
    return make(plan->owner, what, {format}, scope_of(*plan), wish.as_of).files.front().id;
}

}  // namespace kpi::reporting
