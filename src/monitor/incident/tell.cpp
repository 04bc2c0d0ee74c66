#include "monitor/incident/tell.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.hpp"
#include "core/markup.hpp"
#include "monitor/incident/links.hpp"
#include "monitor/incident/people.hpp"
#include "monitor/incident/token.hpp"
#include "monitor/judge/words.hpp"
#include "net/text/text.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

using nlohmann::json;

constexpr pg::Options kOften{.keep = pg::Keep::yes};
constexpr std::array<std::string_view, 4> kCarriers = {"slack", "smtp", "webhook", "file"};

struct Sink {
    std::string name, kind;
    bool edits = false;   // an earlier message can be changed
    std::string earlier;  // id of the first message about this incident; empty: none
};

std::string text_of(const json &object, const char *name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::vector<Sink> sinks_of(std::int64_t incident, const std::vector<std::string> &names) {
    const Table table = pg::query(R"(
        SELECT n.name, s.kind, s.kind = 'slack' AND s.options ? 'channel',
               (SELECT pg_catalog.min(m.message) FROM kpi.incident_message m WHERE m.incident = $1 AND m.sink = n.name)
          FROM pg_catalog.unnest($2) WITH ORDINALITY n (name, place) LEFT JOIN kpi.sink s ON s.name = n.name
         ORDER BY n.place)",
                                  {incident, names}, kOften);
    std::vector<Sink> sinks;
    std::set<std::string> seen;
    for (const Row &row : table.rows)
        if (seen.insert(*row[0]).second)
            sinks.push_back({*row[0], row[1].value_or(""), row[2] == "t", row[3].value_or("")});
    return sinks;
}

std::string clock_text(std::int64_t at, const std::string &zone) {
    if (at == 0) return {};
    return *pg::value(
        "SELECT pg_catalog.to_char($1 AT TIME ZONE coalesce(nullif($2, ''), 'UTC'), 'YYYY-MM-DD "
        "HH24:MI')",
        {Timestamp{at}, zone}, kOften);
}

Notice notice_of(const Incident &it, Tiding tiding, std::int64_t now) {
    const json details = json::parse(it.details);
    Notice n;
    n.tiding = tiding;
    n.language = language();
    n.id = it.id;
    n.severity = it.severity;
    n.title = it.title;
    n.environment =
        pg::value("SELECT pg_catalog.current_setting('kpi.environment', true)").value_or("");
    n.since = clock_text(it.life.fired, text_of(details, "timezone"));
    n.lasted = (it.life.ended != 0 ? it.life.ended : now) - it.life.fired;
    n.assignee = it.assignee.value_or("");
    // Its first line; kpi.runbook has the whole.
    n.runbook = text_of(details, "runbook");
    n.runbook.erase(std::min(n.runbook.find('\n'), n.runbook.size()));
    n.acknowledged_by =
        it.acknowledged_by == kByLink ? label(n.language, "link") : it.acknowledged_by.value_or("");
    n.links = links_of(it, tiding, now);
    if (const auto lines = details.find("lines"); lines != details.end() && lines->is_array())
        for (const json &line : *lines)
            if (line.is_string()) n.lines.push_back(line.get<std::string>());
    return n;
}

json links_for_programs(const Notice &n) {
    json links = json::array();
    for (const Link &link : n.links) {
        links.push_back({{"action", Act{link.hours}.name()},
                         {"text", link_label(n.language, link)},
                         {"url", link.url}});
        if (link.hours != 0) links.back()["hours"] = link.hours;
    }
    return links;
}

json webhook_message(const Incident &it, const Notice &n) {
    return {{"incident", it.id},
            {"event", tiding_name(n.tiding)},
            {"state", phase_name(it.life.phase)},
            {"severity", it.severity},
            {"kind", it.kind},
            {"fingerprint", it.fingerprint},
            {"title", it.title},
            {"text", plain_text(n)},
            {"environment", n.environment},
            {"since", n.since},
            {"rule", it.rule ? json(*it.rule) : json()},
            {"segment", json::parse(it.segment)},
            {"labels", json::parse(it.labels)},
            {"assignee", n.assignee},
            {"links", links_for_programs(n)},
            {"details", json::parse(it.details)}};
}

// The text with buttons below it. What is shown as a notification has no links.
json with_buttons(const std::string &plain, const Notice &n) {
    json buttons = json::array();
    for (const Link &link : n.links) {
        json button = {{"type", "button"},
                       {"text", {{"type", "plain_text"}, {"text", link_label(n.language, link)}}},
                       {"url", link.url},
                       {"action_id", fmt::format("{}_{}", Act{link.hours}.name(), link.hours)}};
        if (link.hours == 0) button["style"] = "primary";
        buttons.push_back(std::move(button));
    }
    const json text = {{"type", "mrkdwn"}, {"text", markup_escaped(plain)}};
    return json::array({{{"type", "section"}, {"text", text}},
                        {{"type", "actions"}, {"elements", std::move(buttons)}}});
}

json slack_message(const Sink &sink, const Notice &n) {
    Notice bare = n;
    bare.links.clear();
    json message = {{"plain", plain_text(bare)}};
    if (!n.links.empty())
        message["blocks"] = with_buttons(message["plain"].get_ref<const std::string &>(), n);
    if (sink.earlier.empty()) return message;
    // Changed in place where nothing new is asked of anybody; answered where it is.
    const bool edit = n.tiding == Tiding::resolved || n.tiding == Tiding::acknowledged ||
                      n.tiding == Tiding::snoozed;
    message[edit ? "edit" : "thread"] = sink.earlier;
    return message;
}

json message_of(const Sink &sink, const Incident &it, const Notice &n) {
    if (sink.kind == "slack") return slack_message(sink, n);
    if (sink.kind == "smtp") return {{"subject", headline(n)}, {"text", plain_text(n)}};
    if (sink.kind == "file")
        return {{"path", fmt::format("incidents/{}-{}.txt", it.id, tiding_name(n.tiding))},
                {"text", plain_text(n) + "\n"}};
    if (sink.kind == "webhook") return webhook_message(it, n);
    throw Error("22023",
                fmt::format("a sink of kind {} cannot carry messages about incidents", sink.kind),
                {}, "Use one of slack, smtp, webhook and file.");
}

// The id of the queued message, as text.
std::string queue(const Sink &sink, const Incident &it, const Notice &n) {
    if (sink.kind.empty())
        throw Error("42704", fmt::format("sink \"{}\" does not exist", sink.name));
    const std::string message = message_of(sink, it, n).dump();
    pg::RunAs role(it.role, pg::Restriction::identity);
    return *pg::value("SELECT kpi.notify($1, $2, group_key => $3)",
                      {sink.name, Json{message}, fmt::format("incident {}", it.id)}, kOften);
}

void tell_one(const Sink &sink, const Incident &it, const Notice &n, std::int64_t now) {
    std::string message;
    if (const auto error = pg::tried([&] { message = queue(sink, it, n); })) {
        add_event(it.id, now, "untold", std::nullopt,
                  fmt::format("{}: {}", sink.name, error->message));
        return;
    }
    const std::string word(tiding_name(n.tiding));
    pg::execute(
        "INSERT INTO kpi.incident_message (incident, sink, message, word, at) VALUES ($1, $2, "
        "$3::pg_catalog.int8, $4, $5)",
        {it.id, sink.name, message, word, Timestamp{now}}, kOften);
    add_event(it.id, now, "told", std::nullopt, fmt::format("{} to {}", word, sink.name));
}

std::vector<std::string> told_sinks(std::int64_t incident) {
    std::vector<std::string> names;
    for (const Row &row :
         pg::query("SELECT DISTINCT sink FROM kpi.incident_message WHERE incident = $1 ORDER BY 1",
                   {incident}, kOften)
             .rows)
        names.push_back(*row[0]);
    return names;
}

// Whoever has heard of it, where nobody is woken by it.
void tell_editable(const Incident &incident, const Notice &notice, std::int64_t now) {
    for (const Sink &sink : sinks_of(incident.id, told_sinks(incident.id)))
        if (sink.edits || sink.kind == "webhook") tell_one(sink, incident, notice, now);
}

}  // namespace

bool can_carry(const std::string &kind) {
    return std::find(kCarriers.begin(), kCarriers.end(), kind) != kCarriers.end();
}

Language language() {
    const char *name = pg::settings().language;
    return name != nullptr && std::string_view(name) == "es" ? Language::spanish
                                                             : Language::english;
}

void tell(const Incident &incident, Word word, const std::vector<std::string> &sinks,
          std::int64_t now) {
    const Notice notice = notice_of(incident, Tiding(word), now);
    // Whoever has heard of the beginning hears of the end.
    const auto names = word == Word::resolved ? told_sinks(incident.id) : sinks;
    for (const Sink &sink : sinks_of(incident.id, names)) tell_one(sink, incident, notice, now);
}

void tell_acknowledged(const Incident &incident, std::int64_t now) {
    tell_editable(incident, notice_of(incident, Tiding::acknowledged, now), now);
}

void tell_snoozed(const Incident &incident, Timestamp until, std::int64_t now) {
    Notice notice = notice_of(incident, Tiding::snoozed, now);
    const std::string zone = text_of(json::parse(incident.details), "timezone");
    notice.snoozed_until = clock_text(until.microseconds, zone);
    tell_editable(incident, notice, now);
}

}  // namespace kpi::monitor
