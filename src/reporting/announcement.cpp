#include "reporting/announcement.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "pg/sql.hpp"
#include "report/sentence.hpp"
#include "reporting/parts.hpp"

namespace kpi::reporting {
namespace {

using nlohmann::json;

constexpr int64_t kMinutes = 10;  // that people wait for a link
constexpr int64_t kSome = 100;

struct Upload {
    std::string state;  // as in kpi.outbox
    std::string url, object_key;
};

std::vector<std::string> as_texts(const std::vector<int64_t> &numbers) {
    std::vector<std::string> out;
    out.reserve(numbers.size());
    for (const int64_t number : numbers) out.push_back(std::to_string(number));
    return out;
}

Announcement from_row(const Row &row) {
    Announcement out;
    out.id = std::stoll(*row[0]);
    out.report = std::stoll(*row[1]);
    out.kind = *row[2];
    out.language = *row[3];
    out.subject = *row[4];
    out.text = *row[5];
    out.owner = {uint32_t(std::stoul(*row[6]))};
    out.uploads = json::parse(*row[7]).get<std::vector<int64_t>>();
    out.sinks = json::parse(*row[8]).get<std::vector<std::string>>();
    out.html = *row[10];
    return out;
}

std::vector<Upload> uploads_of(const Announcement &it) {
    std::vector<Upload> out;
    for (const Row &row : pg::query("SELECT o.state, o.result->>'url', o.object_key "
                                    "FROM kpi.outbox o WHERE o.id = ANY ($1::pg_catalog.int8[]) "
                                    "ORDER BY o.id",
                                    {as_texts(it.uploads)})
                              .rows)
        out.push_back({*row[0], row[1].value_or(""), row[2].value_or("")});
    return out;
}

json message_of(const std::string &kind, const Announcement &it, const std::string &text,
                const std::vector<Upload> &uploads) {
    if (kind == "slack") return {{"plain", text}};
    if (kind == "smtp") return {{"subject", it.subject}, {"text", text}, {"html", it.html}};
    json files = json::array();
    for (const Upload &one : uploads)
        files.push_back(
            {{"object_key", one.object_key}, {"url", one.url.empty() ? json() : json(one.url)}});
    return {{"report", it.report},
            {"kind", it.kind},
            {"subject", it.subject},
            {"text", text},
            {"files", std::move(files)}};
}

// As the announcement's owner. Once for a version of a report, whoever sends it again.
int64_t queue(const std::string &sink, const Announcement &it, const std::string &text,
              const std::vector<Upload> &uploads) {
    const Cell kind = pg::value("SELECT kind FROM kpi.sink WHERE name = $1", {sink});
    if (!kind) throw Error("42704", fmt::format("sink \"{}\" does not exist", sink));
    const std::string message = message_of(*kind, it, text, uploads).dump();
    const std::string once = fmt::format("digest {}", it.report);
    const pg::RunAs owner(it.owner, pg::Restriction::identity);
    // A mail brings the file along.
    const Cell id =
        *kind == "smtp"
            ? pg::value("SELECT kpi.notify_report($1, $2, $3, dedupe_key => $4)",
                        {sink, it.report, Json{message}, once})
            : pg::value("SELECT kpi.notify($1, $2, dedupe_key => $3)", {sink, Json{message}, once});
    return std::stoll(*id);
}

void tell(const Announcement &it) {
    std::string text = it.text;
    std::vector<std::string> notes;
    const report::Language language = report::parse_language(it.language);
    const std::vector<Upload> uploads = uploads_of(it);
    bool late = false, failed = false;
    for (const Upload &one : uploads) {
        const bool goes_on = one.state == "pending" || one.state == "sending";
        late = late || goes_on;
        failed = failed || (!goes_on && one.state != "delivered");
        if (!one.url.empty())
            text +=
                fmt::format("{}: {}\n", report::sentence(phrase("link_file"), language), one.url);
    }
    if (failed) notes.push_back(report::sentence(phrase("link_failed"), language));
    if (late)
        notes.push_back(
            report::sentence(report::Phrase{"link_missing", {{"count", kMinutes}}}, language));
    for (const std::string &missing : notes) text += missing + "\n";
    std::vector<int64_t> messages;
    for (const std::string &sink : it.sinks)
        if (const auto error =
                pg::tried([&] { messages.push_back(queue(sink, it, text, uploads)); })) {
            notes.push_back(fmt::format("{}: {}", sink, error->message));
            pg::log(pg::Level::warning,
                    fmt::format("sink \"{}\" could not be told of report {}: {}", sink, it.report,
                                error->message),
                    error->detail, error->hint);
        }
    pg::execute(R"(
        UPDATE kpi.announcement SET state = 'announcing', messages = $2::pg_catalog.int8[], note = nullif($3, '') WHERE id = $1)",
                {it.id, as_texts(messages), fmt::format("{}", fmt::join(notes, "; "))});
}

}  // namespace

int64_t announce(const Announcement &it) {
    return std::stoll(*pg::value(R"(
        INSERT INTO kpi.announcement (report, kind, owner, language, state, uploads, sinks, subject, text, html)
        VALUES ($1, $2, $3, $4, 'uploading', $5::pg_catalog.int8[], $6, $7, $8, $9) RETURNING id)",
                                 {it.report, it.kind, it.owner, it.language, as_texts(it.uploads),
                                  it.sinks, it.subject, it.text, it.html}));
}

bool settle_next_announcement() {
    const Table next = pg::query(R"(
        SELECT a.id, a.report, a.kind, a.language, a.subject, a.text, a.owner::pg_catalog.oid, pg_catalog.to_jsonb(a.uploads), pg_catalog.to_jsonb(a.sinks), a.state, a.html
          FROM kpi.announcement a
         WHERE a.state <> 'done'
           AND (a.state = 'uploading' AND a.began_at <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(mins => $1::pg_catalog.int4)
                OR NOT EXISTS (SELECT FROM kpi.outbox o WHERE o.state IN ('pending', 'sending')
                                  AND o.id = ANY (CASE a.state WHEN 'uploading' THEN a.uploads ELSE a.messages END)))
         ORDER BY a.id LIMIT 1 FOR UPDATE SKIP LOCKED)",
                                 {kMinutes});
    if (next.empty()) return false;
    const Announcement it = from_row(next.rows[0]);
    if (next.rows[0][9] == "uploading" && !it.sinks.empty()) {
        tell(it);
        return true;
    }
    pg::execute(
        "UPDATE kpi.announcement SET state = 'done', ended_at = "
        "pg_catalog.clock_timestamp() WHERE id = $1",
        {it.id});
    return true;
}

bool forget_old_announcements() {
    return pg::execute(R"(
        DELETE FROM kpi.announcement WHERE id IN (
            SELECT id FROM kpi.announcement WHERE ended_at < pg_catalog.clock_timestamp() - interval '90 days' LIMIT $1))",
                       {kSome}) == kSome;
}

}  // namespace kpi::reporting
