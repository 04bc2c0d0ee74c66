// Records what came of messages: states, attempts, circuit breakers.
#include "delivery/settle.hpp"

#include <map>
#include <random>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "delivery/breaker.hpp"
#include "delivery/outbox.hpp"
#include "delivery/sinks.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::delivery {
namespace {

constexpr pg::Options kOften{.keep = pg::Keep::yes};

constexpr const char *kSettle = R"(
    WITH clock AS MATERIALIZED (SELECT pg_catalog.clock_timestamp() AS now),
    given AS MATERIALIZED (
        SELECT * FROM pg_catalog.jsonb_to_recordset($1) AS g(
            id bigint, attempt integer, state text, status integer, error text, retry_after double precision,
            result jsonb, started double precision, duration double precision, sent bigint, received bigint)),
    settled AS (
        UPDATE kpi.outbox o
           SET state = v.state, status = nullif(g.status, 0), error = nullif(g.error, ''),
               result = CASE WHEN v.state = 'delivered' THEN g.result ELSE o.result END,
               lease_until = NULL, claimed_by = NULL,
               due_at = CASE WHEN v.state <> 'pending' THEN o.due_at
                             ELSE (SELECT now FROM clock) + pg_catalog.make_interval(secs => greatest(g.retry_after,
                                  pg_catalog.random() * least(3600, pg_catalog.power(2, least(o.attempts - o.attempts_before - 1, 12))))) END,
               settled_at = CASE WHEN v.state <> 'pending' THEN (SELECT now FROM clock) END
          FROM given g CROSS JOIN LATERAL (
               SELECT CASE WHEN g.state <> 'retry' THEN g.state
                           WHEN s.name IS NULL THEN 'cancelled'
                           WHEN m.attempts - m.attempts_before >= coalesce((s.options->>'max_attempts')::integer, $2)
                           THEN 'dead' ELSE 'pending' END AS state
                 FROM kpi.outbox m LEFT JOIN kpi.sink s ON s.name = m.sink WHERE m.id = g.id) v
         WHERE o.id = g.id AND o.attempts = g.attempt AND o.state = 'sending'
        RETURNING o.id, o.sink, o.group_key, o.state, o.attempts),
    recorded AS (
        INSERT INTO kpi.delivery (message, attempt, sink, started_at, duration, status, error, bytes_sent,
                                  bytes_received, outcome)
        SELECT g.id, g.attempt, o.sink,
               TIMESTAMPTZ '2000-01-01 00:00:00+00' + pg_catalog.make_interval(secs => g.started / 1000000),
               pg_catalog.make_interval(secs => g.duration / 1000), nullif(g.status, 0), nullif(g.error, ''), g.sent,
               g.received, CASE s.state WHEN 'pending' THEN 'retry' ELSE coalesce(s.state, 'late') END
          FROM given g JOIN kpi.outbox o ON o.id = g.id LEFT JOIN settled s ON s.id = g.id AND s.attempts = g.attempt)
    SELECT s.id, s.sink, s.group_key, s.state, s.attempts FROM settled s)";

// What jsonb cannot hold is left out: a message whose outcome cannot be written would be sent again
// and again.
std::string storable(const std::string &text, bool plain) {
    std::string kept;
    for (const char c : text)
        if (c != '\0') kept += plain && (static_cast<unsigned char>(c) & 0x80) != 0 ? '?' : c;
    return kept;
}

std::string as_json(const std::vector<Settled> &settled, bool plain) {
    constexpr const char *kStates[] = {"delivered", "retry", "dead"};
    nlohmann::json all = nlohmann::json::array();
    for (const Settled &one : settled) {
        const net::Outcome &outcome = one.outcome;
        nlohmann::json item{{"id", one.id},
                            {"attempt", one.attempt},
                            {"state", kStates[int(outcome.state)]},
                            {"status", outcome.status},
                            {"error", storable(outcome.error, plain)},
                            {"retry_after", double(outcome.retry_after.value_or(0))},
                            {"started", double(one.started_at)},
                            {"duration", double(one.duration_ms)},
                            {"sent", one.sent},
                            {"received", one.received}};
        if (!plain && !outcome.result.is_null()) item["result"] = outcome.result;
        all.push_back(std::move(item));
    }
    return all.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

Table write(const std::vector<Settled> &settled) {
    const auto run = [&](bool plain) {
        return pg::query(kSettle, {Json{as_json(settled, plain)}, int64_t(Pace{}.max_attempts)},
                         kOften);
    };
    try {
        pg::Savepoint savepoint;
        Table table = run(false);
        savepoint.release();
        return table;
    } catch (const Error &error) {
        if (error.error_class() != "22") throw;  // data: texts that this database cannot hold
    }
    return run(true);
}

Param time_or_null(int64_t time) {
    if (time == 0) return Null{};
    return Timestamp{time};
}

double chance() {
    thread_local std::minstd_rand source(std::random_device{}());
    return std::uniform_real_distribution<double>(0, 1)(source);
}

// A sink that was dropped since has no breaker.
void judge_sink(const std::string &sink, const std::vector<const net::Outcome *> &outcomes) {
    const Table table = pg::query(R"(
        SELECT coalesce(st.failures, 0), t.open, t.paused, t.now
          FROM kpi.sink s LEFT JOIN kpi.sink_state st ON st.sink = s.name
         CROSS JOIN LATERAL (
            SELECT CAST(EXTRACT(epoch FROM coalesce(st.open_until, e.zero) - e.zero) * 1000000 AS bigint) AS open,
                   CAST(EXTRACT(epoch FROM coalesce(st.paused_until, e.zero) - e.zero) * 1000000 AS bigint) AS paused,
                   CAST(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - e.zero) * 1000000 AS bigint) AS now
              FROM (SELECT TIMESTAMPTZ '2000-01-01 00:00:00+00' AS zero) e) t
         WHERE s.name = $1)",
                                  {sink}, kOften);
    if (table.empty()) return;
    const Row &row = table.rows[0];
    const Breaker before{.failures = std::stoi(*row[0]),
                         .open_until = std::stoll(*row[1]),
                         .paused_until = std::stoll(*row[2])};
    Breaker after = before;
    for (const net::Outcome *outcome : outcomes) after.see(*outcome, std::stoll(*row[3]), chance());
    if (after == before) return;
    pg::execute(R"(
        INSERT INTO kpi.sink_state AS st (sink, failures, open_until, paused_until) VALUES ($1, $2,
            CAST($3 AS pg_catalog.timestamptz), CAST($4 AS pg_catalog.timestamptz))
        ON CONFLICT (sink) DO UPDATE
           SET failures = EXCLUDED.failures, open_until = EXCLUDED.open_until,
               paused_until = EXCLUDED.paused_until, changed_at = pg_catalog.clock_timestamp())",
                {sink, int64_t(after.failures), time_or_null(after.open_until),
                 time_or_null(after.paused_until)},
                kOften);
}

}  // namespace

void tell_group(int64_t dead, const std::string &sink, const std::string &group_key) {
    pg::execute(R"(
        WITH next AS (
            UPDATE kpi.outbox o SET error = pg_catalog.format('message %s of this group is dead', $1)
             WHERE o.id = (SELECT n.id FROM kpi.outbox n
                            WHERE n.sink = $2 AND n.group_key = $3 AND n.state IN ('pending', 'sending')
                              AND n.group_key IS NOT NULL
                            ORDER BY n.id LIMIT 1)
            RETURNING o.id, o.attempts, o.error)
        INSERT INTO kpi.delivery (message, attempt, sink, started_at, error, outcome)
        SELECT n.id, n.attempts, $2, pg_catalog.clock_timestamp(), n.error, 'group' FROM next n)",
                {dead, sink, group_key}, kOften);
}

void settle(const std::vector<Settled> &settled) {
    if (settled.empty()) return;
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    const Table written = write(settled);
    std::map<int64_t, const Row *> by_id;
    for (const Row &row : written.rows) by_id[std::stoll(*row[0])] = &row;
    std::map<std::string, std::vector<const net::Outcome *>> by_sink;
    for (const Settled &one : settled) {
        const auto found = by_id.find(one.id);
        if (found == by_id.end() || std::stoi(*(*found->second)[4]) != one.attempt) continue;
        by_sink[*(*found->second)[1]].push_back(&one.outcome);
    }
    for (const auto &[sink, outcomes] : by_sink) judge_sink(sink, outcomes);
    for (const auto &[id, row] : by_id)
        if ((*row)[3] == "dead" && (*row)[2]) tell_group(id, *(*row)[1], *(*row)[2]);
}

}  // namespace kpi::delivery
