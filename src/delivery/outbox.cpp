#include "delivery/outbox.hpp"

#include <algorithm>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "delivery/settle.hpp"
#include "delivery/sinks.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::delivery {
namespace {

constexpr pg::Options kOften{.keep = pg::Keep::yes};

// As in kpi.outbox.claimed_by.
constexpr const char *kMe = R"(
    SELECT pg_catalog.format('%s %s', a.pid, EXTRACT(epoch FROM a.backend_start))
      FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a)";

// As two arrays.
std::pair<std::vector<std::string>, std::vector<std::string>> columns(
    const std::vector<std::pair<int64_t, int>> &id_attempt) {
    std::pair<std::vector<std::string>, std::vector<std::string>> result;
    for (const auto &[id, attempt] : id_attempt) {
        result.first.push_back(std::to_string(id));
        result.second.push_back(std::to_string(attempt));
    }
    return result;
}

int64_t lease(int64_t milliseconds) { return std::clamp<int64_t>(milliseconds, 1, kLongestLease); }

// Heads are found group by group through outbox_head, each the smallest id of its group; the scan
// ends with the limit around it. Groups up to after_group come when the others are exhausted.
constexpr const char *kClaim = R"(
    WITH clock AS MATERIALIZED (SELECT pg_catalog.clock_timestamp() AS now),
    candidate AS MATERIALIZED (
        SELECT c.id, c.turn
          FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest(CAST($2 AS integer[])), pg_catalog.unnest($3))
               AS r(sink, free, after_group)
         CROSS JOIN LATERAL (
            SELECT f.id, f.turn FROM (
               (SELECT o.id, o.due_at, CAST(0 AS bigint) AS turn
                  FROM kpi.outbox o
                 WHERE o.sink = r.sink AND o.state = 'pending' AND o.group_key IS NULL
                   AND o.due_at <= (SELECT now FROM clock)
                 ORDER BY o.due_at, o.id LIMIT r.free)
                UNION ALL
               (SELECT h.id, h.due_at, pg_catalog.row_number() OVER () AS turn FROM (
                   (WITH RECURSIVE head AS (
                       (SELECT o.group_key, o.id, o.state, o.due_at FROM kpi.outbox o
                         WHERE o.sink = r.sink AND o.state IN ('pending', 'sending') AND o.group_key IS NOT NULL
                           AND o.group_key > r.after_group
                         ORDER BY o.group_key, o.id LIMIT 1)
                       UNION ALL
                       SELECT n.* FROM head h CROSS JOIN LATERAL (
                           SELECT o.group_key, o.id, o.state, o.due_at FROM kpi.outbox o
                            WHERE o.sink = r.sink AND o.state IN ('pending', 'sending') AND o.group_key IS NOT NULL
                              AND o.group_key > h.group_key
                            ORDER BY o.group_key, o.id LIMIT 1) n)
                    SELECT id, due_at FROM head WHERE state = 'pending' AND due_at <= (SELECT now FROM clock))
                   UNION ALL
                   (WITH RECURSIVE head AS (
                       (SELECT o.group_key, o.id, o.state, o.due_at FROM kpi.outbox o
                         WHERE o.sink = r.sink AND o.state IN ('pending', 'sending') AND o.group_key IS NOT NULL
                           AND o.group_key <= r.after_group
                         ORDER BY o.group_key, o.id LIMIT 1)
                       UNION ALL
                       SELECT n.* FROM head h CROSS JOIN LATERAL (
                           SELECT o.group_key, o.id, o.state, o.due_at FROM kpi.outbox o
                            WHERE o.sink = r.sink AND o.state IN ('pending', 'sending') AND o.group_key IS NOT NULL
                              AND o.group_key > h.group_key AND o.group_key <= r.after_group
                            ORDER BY o.group_key, o.id LIMIT 1) n)
                    SELECT id, due_at FROM head WHERE state = 'pending' AND due_at <= (SELECT now FROM clock))
                   LIMIT r.free) h)) f
             ORDER BY f.due_at, f.id LIMIT r.free) c),
    held AS MATERIALIZED (
        SELECT o.id FROM kpi.outbox o
         WHERE o.id IN (SELECT id FROM candidate) AND o.state = 'pending' AND o.due_at <= (SELECT now FROM clock)
           FOR UPDATE OF o SKIP LOCKED),
    claimed AS (
        UPDATE kpi.outbox o
           SET state = 'sending', attempts = o.attempts + 1, claimed_at = (SELECT now FROM clock),
               lease_until = (SELECT now FROM clock) + pg_catalog.make_interval(secs => $4 / 1000.0), claimed_by = $5
          FROM held WHERE o.id = held.id
        RETURNING o.id, o.attempts, o.sink, o.group_key, o.idempotency_key, o.message, o.content, o.content_type,
                  o.object_key, o.report)
    SELECT d.id, d.attempts, d.sink, d.group_key, d.idempotency_key,
           pg_catalog.encode(pg_catalog.convert_to(d.message::text, 'UTF8'), 'hex'),
           pg_catalog.encode(coalesce(d.content, (SELECT r.content FROM kpi.report r WHERE r.id = d.report)), 'hex'), d.content_type, d.object_key,
           pg_catalog.encode(pg_catalog.convert_to(coalesce(
               (SELECT e.result FROM kpi.outbox e WHERE e.sink = d.sink AND e.dedupe_key = n.name),
               (SELECT e.result FROM kpi.outbox e
                 WHERE e.sink = d.sink
                   AND e.id = CASE WHEN n.name ~ '^[0-9]{1,18}$' THEN CAST(n.name AS bigint) END))::text, 'UTF8'), 'hex')
      FROM claimed d JOIN candidate c ON c.id = d.id
     CROSS JOIN LATERAL (SELECT coalesce(d.message->>'edit', d.message->>'thread') AS name) n
     ORDER BY d.sink, c.turn, d.id)";

// A sink that was dropped while its message was on the way has no attempts left.
constexpr const char *kRelease = R"(
    WITH clock AS MATERIALIZED (SELECT pg_catalog.clock_timestamp() AS now),
    alive AS MATERIALIZED (
        SELECT pg_catalog.format('%s %s', a.pid, EXTRACT(epoch FROM a.backend_start)) AS name
          FROM pg_catalog.pg_stat_get_activity(NULL) a),
    lost AS MATERIALIZED (
        SELECT o.id,
               CASE WHEN coalesce(o.claimed_by, '') IN (SELECT name FROM alive) THEN 'the lease of the attempt was lost'
                    ELSE 'the sender ended without a word' END AS error,
               CASE WHEN s.name IS NULL THEN 'cancelled'
                          WHEN o.attempts - o.attempts_before >= coalesce((s.options->>'max_attempts')::integer, $2) THEN 'dead'
                          ELSE 'pending' END AS state
          FROM kpi.outbox o LEFT JOIN kpi.sink s ON s.name = o.sink
         WHERE o.state = 'sending'
           AND (o.lease_until <= (SELECT now FROM clock)
                OR o.lease_until > (SELECT now FROM clock) + pg_catalog.make_interval(secs => $1 / 1000.0)
                OR coalesce(o.claimed_by, '') NOT IN (SELECT name FROM alive))
           AND NOT EXISTS (
               SELECT FROM ROWS FROM (pg_catalog.unnest(CAST($3 AS bigint[])), pg_catalog.unnest(CAST($4 AS integer[])))
                    AS h(id, attempt)
                WHERE h.id = o.id AND h.attempt = o.attempts)
           FOR UPDATE OF o SKIP LOCKED),
    released AS (
        UPDATE kpi.outbox o
           SET state = lost.state, lease_until = NULL, claimed_by = NULL, due_at = (SELECT now FROM clock),
               error = lost.error,
               settled_at = CASE WHEN lost.state <> 'pending' THEN (SELECT now FROM clock) END
          FROM lost WHERE o.id = lost.id
        RETURNING o.id, o.attempts, o.sink, o.group_key, o.state, o.claimed_at, o.error),
    recorded AS (
        INSERT INTO kpi.delivery (message, attempt, sink, started_at, duration, error, outcome)
        SELECT r.id, r.attempts, r.sink, r.claimed_at, (SELECT now FROM clock) - r.claimed_at,
               r.error, 'lost'
          FROM released r)
    SELECT r.id, r.state, r.sink, r.group_key FROM released r)";

constexpr const char *kNextDue = R"(
    SELECT CAST(pg_catalog.ceil(EXTRACT(epoch FROM min(greatest(
               least(l.due_at, h.due_at), st.open_until, st.paused_until))
               - TIMESTAMPTZ '2000-01-01 00:00:00+00') * 1000000) AS bigint)
      FROM pg_catalog.unnest($1) r(sink)
      LEFT JOIN kpi.sink_state st ON st.sink = r.sink
     CROSS JOIN LATERAL (
        SELECT (SELECT o.due_at FROM kpi.outbox o
                 WHERE o.sink = r.sink AND o.state = 'pending' AND o.group_key IS NULL
                 ORDER BY o.due_at, o.id LIMIT 1) AS due_at) l
     CROSS JOIN LATERAL (
        WITH RECURSIVE head AS (
            (SELECT o.group_key, o.state, o.due_at FROM kpi.outbox o
              WHERE o.sink = r.sink AND o.state IN ('pending', 'sending') AND o.group_key IS NOT NULL
              ORDER BY o.group_key, o.id LIMIT 1)
            UNION ALL
            SELECT n.* FROM head p CROSS JOIN LATERAL (
                SELECT o.group_key, o.state, o.due_at FROM kpi.outbox o
                 WHERE o.sink = r.sink AND o.state IN ('pending', 'sending') AND o.group_key IS NOT NULL
                   AND o.group_key > p.group_key
                 ORDER BY o.group_key, o.id LIMIT 1) n)
        SELECT min(due_at) AS due_at FROM head WHERE state = 'pending') h
     WHERE least(l.due_at, h.due_at) < 'infinity')";

}  // namespace

std::vector<Claimed> claim(const std::vector<Room> &rooms, int64_t lease_milliseconds) {
    std::vector<std::string> sinks, free, after;
    for (const Room &room : rooms) {
        if (room.free <= 0) continue;
        sinks.push_back(room.sink);
        free.push_back(std::to_string(room.free));
        after.push_back(room.after_group);
    }
    if (sinks.empty()) return {};
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    const Table table = pg::query(
        kClaim, {sinks, free, after, lease(lease_milliseconds), pg::value(kMe).value_or("")},
        kOften);
    std::vector<Claimed> claimed;
    claimed.reserve(table.rows.size());
    for (const Row &row : table.rows) {
        Claimed &one = claimed.emplace_back();
        one.id = one.message.id = std::stoll(*row[0]);
        one.attempt = std::stoi(*row[1]);
        one.sink = *row[2];
        one.group_key = row[3].value_or("");
        one.message.idempotency_key = *row[4];
        one.message.body = from_hex(*row[5]);
        if (row[6]) one.message.content = from_hex(*row[6]);
        one.message.content_type = row[7].value_or("");
        one.message.object_key = row[8].value_or("");
        if (row[9]) one.message.reference = nlohmann::json::parse(from_hex(*row[9]));
    }
    return claimed;
}

void renew(const std::vector<std::pair<int64_t, int>> &id_attempt, int64_t lease_milliseconds) {
    if (id_attempt.empty()) return;
    const auto [ids, attempts] = columns(id_attempt);
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    pg::execute(R"(
        UPDATE kpi.outbox o
           SET lease_until = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $3 / 1000.0)
          FROM ROWS FROM (pg_catalog.unnest(CAST($1 AS bigint[])), pg_catalog.unnest(CAST($2 AS integer[])))
               AS h(id, attempt)
         WHERE o.id = h.id AND o.attempts = h.attempt AND o.state = 'sending')",
                {ids, attempts, lease(lease_milliseconds)}, kOften);
}

int64_t release_lost(const std::vector<std::pair<int64_t, int>> &held_id_attempt) {
    const auto [ids, attempts] = columns(held_id_attempt);
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    const Table released =
        pg::query(kRelease, {kLongestLease, int64_t(Pace{}.max_attempts), ids, attempts}, kOften);
    for (const Row &row : released.rows)
        if (row[1] == "dead" && row[3]) tell_group(std::stoll(*row[0]), *row[2], *row[3]);
    return int64_t(released.rows.size());
}

std::optional<int64_t> next_due(const std::vector<std::string> &full) {
    std::vector<std::string> sinks;
    for (const Spec &spec : every_sink())
        if (spec.unusable.empty() &&
            std::find(full.begin(), full.end(), spec.sink.name) == full.end())
            sinks.push_back(spec.sink.name);
    if (sinks.empty()) return std::nullopt;
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    const Cell due = pg::value(kNextDue, {sinks}, kOften);
    if (!due) return std::nullopt;
    return std::stoll(*due);
}

}  // namespace kpi::delivery
