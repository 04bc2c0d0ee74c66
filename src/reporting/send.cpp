#include "reporting/send.hpp"

#include <fmt/format.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "pg/lock.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"
#include "report/html.hpp"
#include "report/plain.hpp"
#include "reporting/announcement.hpp"
#include "reporting/contents.hpp"
#include "reporting/digest.hpp"
#include "reporting/figures.hpp"
#include "reporting/make.hpp"
#include "reporting/parts.hpp"
#include "reporting/plan.hpp"
#include "reporting/rows.hpp"

namespace kpi::reporting {
namespace {

using nlohmann::json;

enum class Taker { store, tracker, person, sheet, typed_sheet };

Taker taker(const std::string &sink) {
    // A sink that is shared with a role is not seen by it; kpi.notify asks whether it may be used.
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    const Table found =
        pg::query("SELECT kind, options ->> 'value_input' FROM kpi.sink WHERE name = $1", {sink});
    if (found.rows.empty())
        throw Error("42704", fmt::format("there is no sink \"{}\"", sink), {},
                    "SELECT name FROM kpi.sink lists them.");
    const Cell &kind = found.rows[0][0];
    if (*kind == "s3" || *kind == "azure_blob" || *kind == "azure_files" || *kind == "file")
        return Taker::store;
    if (*kind == "mlflow") return Taker::tracker;
    if (*kind == "slack" || *kind == "smtp" || *kind == "webhook") return Taker::person;
    if (*kind == "sheets")
        return found.rows[0][1] == "USER_ENTERED" ? Taker::typed_sheet : Taker::sheet;
    throw Error("22023",
                fmt::format("sink \"{}\" is of kind {}, which takes no reports", sink, *kind), {},
                *kind == "pushgateway"
                    ? "kpi.publish keeps the numbers in a Pushgateway up to date."
                    : "Reports go to s3, azure_blob, azure_files, file, mlflow, sheets, slack, "
                      "smtp and webhook.");
}

// A run whose metrics are those of the last day, or of the whole period.
std::string run_of(const File &file, const report::Document &words) {
    json metrics = json::object();
    for (const report::Figure &figure : words.figures)
        if (figure.value && *figure.value != "NaN" &&
            figure.value->find("Inf") == std::string::npos)
            metrics[figure.metric] = json::parse(*figure.value);
    const Edition &what = file.edition;
    return json{{"report_key", fmt::format("{} {} {}", what.name, iso(what.to), file.id)},
                {"run_name", fmt::format("{} {}", what.name, iso(what.to))},
                {"metrics", std::move(metrics)},
                {"params",
                 {{"report", what.name},
                  {"from", iso(what.from)},
                  {"to", iso(what.to)},
                  {"version", std::to_string(file.version)}}},
                {"tags", {{"environment", words.environment}}}}
        .dump();
}

int64_t upload(const std::string &sink, const File &file, const std::string &message) {
    return std::stoll(
        *pg::value("SELECT kpi.notify_report($1, $2, $3, dedupe_key => $4)",
                   {sink, file.id, Json{message}, fmt::format("report {}", file.id)}));
}

// Rows go as they are: a spreadsheet takes no file.
void write_rows(const std::string &sink, const Made &made, bool typed) {
    pg::query("SELECT kpi.notify($1, $2, dedupe_key => $3)",
              {sink, Json{rows_message(made.document, typed)},
               fmt::format("report {}", made.files.front().id)});
}

std::string first_line(const std::string &text) { return text.substr(0, text.find('\n')); }

struct Task {
    Edition edition;  // without days and format
    Scope scope;
    std::vector<std::string> sinks, formats;
    std::optional<Date> as_of;
};

// What people are told.
report::Document words_of(const Made &made, const Scope &scope) {
    // Rows of a user's are not asked for again: they might be others.
    report::Document words =
        scope.own ? with_rows(made.document) : digest(made.files.front().edition, scope);
    words.version = made.files.front().version;
    return words;
}

int64_t carry_out(ObjectId owner, const Task &task) {
    const Made made = make(owner, task.edition, task.formats, task.scope, task.as_of);
    const File &first = made.files.front();
    const pg::OuterSnapshot now;
    const report::Document words = words_of(made, task.scope);
    Announcement it;
    it.report = first.id;
    it.kind = task.edition.name;
    it.language = task.edition.language;
    it.owner = owner;
    it.text = report::plain(words, report::Extent::digest);
    it.html = report::mail_html(words);
    it.subject = first_line(it.text);
    for (const std::string &sink : task.sinks) {
        const Taker kind = taker(sink);
        switch (kind) {
            case Taker::store:
                for (const File &file : made.files) it.uploads.push_back(upload(sink, file, "{}"));
                break;
            case Taker::tracker:
                (void)upload(sink, first, run_of(first, words));
                break;
            case Taker::sheet:
            case Taker::typed_sheet:
                write_rows(sink, made, kind == Taker::typed_sheet);
                break;
            case Taker::person:
                it.sinks.push_back(sink);
                break;
        }
    }
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    return announce(it);
}

Task task_of(const Plan &plan, const Sending &wish) {
    return {{plan.name, plan.kind, {}, {}, {}, wish.language.value_or(plan.language)},
            scope_of(plan),
            wish.sinks.value_or(plan.sinks),
            wish.formats.value_or(plan.formats),
            wish.as_of};
}

void run_plan(const Plan &plan) {
    const pg::RunAs owner(plan.owner, pg::Restriction::identity);
    const Task task = task_of(plan, {plan.name, {}, {}, {}, {}});
    demand_fresh(task.scope);
    (void)carry_out(plan.owner, task);
}

}  // namespace

int64_t send(ObjectId caller, const Sending &wish) {
    if (const auto plan = find_plan(caller, wish.report)) {
        const pg::RunAs owner(plan->owner, pg::Restriction::identity);
        return carry_out(plan->owner, task_of(*plan, wish));
    }
    const Kind kind = parse_kind(wish.report);
    if (!wish.sinks || wish.sinks->empty())
        throw Error("22023", "a report is sent to a sink", {},
                    "For example sinks => '{ops}'; kpi.add_report keeps them for a report.");
    const std::vector<std::string> formats =
        wish.formats.value_or(std::vector<std::string>{usual_format(kind)});
    return carry_out(
        caller, {{wish.report, kind, {}, {}, {}, wish.language.value_or(pg::settings().language)},
                 everything(),
                 *wish.sinks,
                 formats,
                 wish.as_of});
}

int64_t run_report(ObjectId caller, const std::string &name) {
    const Plan plan = demand_plan(caller, name);
    run_plan(plan);
    // It may have failed while it went with the others of its kind.
    note(plan, std::nullopt);
    return 1;
}

int64_t run_reports(ObjectId caller, Kind kind) {
    Plan own;
    own.name = name(kind);
    own.owner = caller;
    const auto make_own = [&] {
        demand_fresh(everything());
        (void)make(caller, {own.name, {}, {}, {}});
    };
    const std::vector<Plan> plans = plans_of(caller, kind);
    if (plans.empty()) {
        // Nothing else would be lost: the job fails, and tells its sinks.
        make_own();
        note(own, std::nullopt);
        return 1;
    }
    int64_t made = 0;
    const auto attempt = [&](const Plan &plan, const std::function<void()> &body) {
        const std::optional<Error> error = pg::tried(body);
        note(plan, error);
        if (!error) ++made;
    };
    attempt(own, make_own);
    for (const Plan &plan : plans) attempt(plan, [&] { run_plan(plan); });
    return made;
}

}  // namespace kpi::reporting
