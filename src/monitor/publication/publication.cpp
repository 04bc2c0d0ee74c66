#include "monitor/publication/publication.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "monitor/check/rights.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

// All of one database are one group: a push replaces it whole.
constexpr const char *kGroup = "kpi gauges";

// One message: the whole group of this database.
std::string message_of(const Families &families) {
    return nlohmann::json{{"grouping", {{"database", families.database}}},
                          {"metrics", nlohmann::json::parse(families.metrics)}}
        .dump();
}

std::string text_of(const Error &error) {
    return fmt::format("{}: {}", error.sqlstate, error.message);
}

// What could not be read, one metric a line.
Cell error_of(const Families &families) {
    std::string out;
    for (const Unreadable &each : families.unreadable) {
        const std::string text = text_of(each.error);
        if (out.find(text) == std::string::npos) out += (out.empty() ? "" : "\n") + text;
    }
    return out.empty() ? Cell{} : Cell{out};
}

// Keeps what is wrong with a publication, and logs it once.
void note(const Publication &publication, const Cell &error, const std::string &what,
          const std::string &detail = {}, const std::string &hint = {}) {
    const bool is_new =
        pg::value(
            "UPDATE kpi.publication_state SET error = $2 WHERE sink = $1 AND error IS DISTINCT "
            "FROM $2 RETURNING 1",
            {publication.sink, error ? Param(*error) : Param(Null{})})
            .has_value();
    if (error && is_new) pg::log(pg::Level::warning, what + ": " + *error, detail, hint);
}

Families gauges_of(const Publication &publication) {
    const pg::RunAs owner(publication.owner);
    return gauge_families(publication.wish, pg::Access::read_write);
}

Cell queue(ObjectId owner, const std::string &sink, const std::string &message) {
    const pg::RunAs as_owner(owner, pg::Restriction::identity);
    return pg::value("SELECT kpi.notify($1, $2, group_key => $3)", {sink, Json{message}, kGroup});
}

// Only the newest state of a group is news; and what was delivered is kept in the gateway.
void drop_older(const std::string &sink) {
    pg::execute(
        "UPDATE kpi.outbox SET state = 'cancelled', settled_at = pg_catalog.clock_timestamp() "
        "WHERE sink = $1 AND group_key = $2 AND state = 'pending'",
        {sink, kGroup});
    pg::execute(R"(
        WITH old AS (DELETE FROM kpi.outbox WHERE sink = $1 AND group_key = $2 AND state IN ('delivered', 'cancelled')
                        AND settled_at < pg_catalog.clock_timestamp() - interval '1 hour' RETURNING id)
        DELETE FROM kpi.delivery d USING old WHERE d.message = old.id)",
                {sink, kGroup});
}

void demand_gateway(const std::string &sink) {
    demand_sinks({sink});
    const std::string kind =
        pg::value("SELECT kind FROM kpi.sink WHERE name = $1", {sink}).value_or("");
    if (kind == "pushgateway") return;
    throw Error("22023", fmt::format("sink \"{}\" is of kind {}", sink, kind), {},
                "Gauges go to a sink of kind pushgateway.");
}

void demand_numbers(const Publication &publication) {
    if (publication.wish.metrics.empty())
        throw Error("22023", "argument \"metrics\" must name a metric", {},
                    "SELECT name FROM kpi.metric lists them.");
    if (publication.wish.top < 1) throw Error("22023", "argument \"top\" must be at least 1");
    demand_every(publication.every);
}

}  // namespace

void publish(ObjectId caller, const Publication &wish) {
    Publication publication = wish;
    publication.owner = caller;
    demand_numbers(publication);
    if (const Families now = gauges_of(publication); !now.unreadable.empty())
        throw Error(now.unreadable.front().error);
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    demand_gateway(publication.sink);
    const Cell owner = pg::value(
        "SELECT owner::pg_catalog.oid FROM kpi.publication WHERE sink = $1", {publication.sink});
    if (owner)
        demand_run(caller, {uint32_t(std::stoul(*owner))},
                   fmt::format("the publication to \"{}\"", publication.sink));
    pg::execute(
        R"(
        INSERT INTO kpi.publication (sink, metrics, "by", top, rank_by, every, owner)
        VALUES ($1, $2, $3::pg_catalog.name[], $4, $5, $6::pg_catalog.interval, $7)
            ON CONFLICT (sink) DO UPDATE SET metrics = excluded.metrics, "by" = excluded."by", top = excluded.top,
               rank_by = excluded.rank_by, every = excluded.every, owner = excluded.owner)",
        {publication.sink, publication.wish.metrics, publication.wish.by, publication.wish.top,
         publication.wish.rank_by ? Param(*publication.wish.rank_by) : Param(Null{}),
         publication.every, caller});
    pg::execute(
        "INSERT INTO kpi.publication_state (sink) VALUES ($1) ON CONFLICT (sink) DO UPDATE "
        "SET due_at = '-infinity', seen = NULL, error = NULL",
        {publication.sink});
}

bool unpublish(ObjectId caller, const std::string &sink) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    const Cell owner =
        pg::value("SELECT owner::pg_catalog.oid FROM kpi.publication WHERE sink = $1", {sink});
    if (!owner) return false;
    const ObjectId role{uint32_t(std::stoul(*owner))};
    demand_run(caller, role, fmt::format("the publication to \"{}\"", sink));
    pg::execute("DELETE FROM kpi.publication WHERE sink = $1", {sink});
    const Cell pushed =
        pg::value("DELETE FROM kpi.publication_state WHERE sink = $1 RETURNING message", {sink});
    drop_older(sink);
    if (pushed && pg::value("SELECT 1 FROM kpi.sink WHERE name = $1", {sink}))
        (void)queue(role, sink,
                    *pg::value("SELECT pg_catalog.jsonb_build_object('delete', true, 'grouping', "
                               "pg_catalog.jsonb_build_object('database', "
                               "pg_catalog.current_database()))"));
    return true;
}

std::optional<Publication> take_due_publication() {
    const Table due = pg::query(R"(
        UPDATE kpi.publication_state s SET due_at = pg_catalog.clock_timestamp() + p.every
          FROM kpi.publication p
         WHERE p.sink = s.sink AND s.sink = (
               SELECT d.sink FROM kpi.publication_state d
                WHERE d.due_at <= pg_catalog.clock_timestamp() AND EXISTS (SELECT FROM kpi.publication q WHERE q.sink = d.sink)
                ORDER BY d.due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING p.sink, p.top, p.rank_by, p.owner::pg_catalog.oid)");
    if (due.empty()) return std::nullopt;
    const Row &row = due.rows[0];
    Publication out;
    out.sink = *row[0];
    out.wish.top = std::stoll(*row[1]);
    out.wish.rank_by = row[2];
    out.owner = {uint32_t(std::stoul(*row[3]))};
    for (const Row &metric :
         pg::query("SELECT pg_catalog.unnest(metrics) FROM kpi.publication WHERE sink = $1",
                   {out.sink})
             .rows)
        out.wish.metrics.push_back(*metric[0]);
    for (const Row &name :
         pg::query("SELECT pg_catalog.unnest(\"by\") FROM kpi.publication WHERE sink = $1",
                   {out.sink})
             .rows)
        out.wish.by.push_back(*name[0]);
    return out;
}

void push(const Publication &publication) {
    if (!pg::value("SELECT 1 FROM pg_catalog.pg_roles WHERE oid = $1", {publication.owner}))
        throw Error("42704", "the role that owned this publication was dropped", {},
                    "Call kpi.publish as a role that stays.");
    const Families now = gauges_of(publication);
    const Cell error = error_of(now);
    const Param noted = error ? Param(*error) : Param(Null{});
    const bool is_news =
        pg::value(
            "SELECT 1 FROM kpi.publication_state WHERE sink = $1 AND (seen IS DISTINCT FROM $2 "
            "OR error IS DISTINCT FROM $3 OR pushed_at IS NULL OR pushed_at NOT BETWEEN "
            "pg_catalog.clock_timestamp() - interval '1 minute' AND pg_catalog.clock_timestamp())",
            {publication.sink, now.digest, noted})
            .has_value();
    if (!is_news) return;
    drop_older(publication.sink);
    const Cell message = queue(publication.owner, publication.sink, message_of(now));
    pg::execute(
        "UPDATE kpi.publication_state SET seen = $2, pushed_at = pg_catalog.clock_timestamp(), "
        "message = $3 WHERE sink = $1",
        {publication.sink, now.digest, int64_t(std::stoll(message.value_or("0")))});
    note(publication, error,
         fmt::format("gauges that cannot be read are not pushed to sink \"{}\"", publication.sink));
}

void note_failure(const Publication &publication, const Error &error) {
    note(publication, text_of(error),
         fmt::format("gauges could not be pushed to sink \"{}\"", publication.sink), error.detail,
         error.hint);
}

}  // namespace kpi::monitor
