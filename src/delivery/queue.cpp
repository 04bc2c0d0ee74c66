#include "delivery/queue.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "delivery/outbox.hpp"
#include "delivery/registration.hpp"
#include "net/sink/kind.hpp"
#include "pg/bell.hpp"
#include "pg/lock.hpp"
#include "pg/rows.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"

namespace kpi::delivery {
namespace {

constexpr pg::Options kOften{.see = pg::See::latest, .keep = pg::Keep::yes};

// Checks what the kind can check before the message is sent. Secrets are not looked at.
void check(const Draft &draft) {
    const Table found = pg::query(
        "SELECT s.kind, s.url, s.options FROM kpi.sink s WHERE s.name = $1", {draft.sink}, kOften);
    if (found.empty())
        throw Error("42704", fmt::format("sink \"{}\" does not exist", draft.sink), {},
                    "Add it with kpi.add_sink; the sinks are in kpi.sink.");
    const Row &row = found.rows[0];
    const net::Kind &kind = net::kind(*row[0]);
    if (kind.check_message == nullptr) return;
    net::Sink sink;
    sink.name = draft.sink;
    sink.kind = *row[0];
    sink.url = row[1].value_or("");
    sink.options = nlohmann::json::parse(*row[2]);
    net::Message message;
    message.body = draft.message;
    message.content = draft.content;
    message.content_type = draft.content_type.value_or("");
    message.object_key = draft.object_key.value_or("");
    kind.check_message(sink, message);
}

// The draft as it will be sent. Held until the end of the transaction, which keeps the report.
Draft with_report(ObjectId caller, const Draft &draft) {
    Draft full = draft;
    if (!draft.report) return full;
    const Table found = pg::query(
        "SELECT kpi._may_run($2, owner), content_type, object_key FROM kpi.report WHERE id = $1 "
        "FOR KEY SHARE",
        {*draft.report, caller});
    if (found.empty())
        throw Error("42704", fmt::format("there is no report {}", *draft.report), {},
                    "SELECT id, kind, period, format FROM kpi.report lists them.");
    if (found.rows[0][0] != "t")
        throw Error("42501", fmt::format("report {} belongs to another role", *draft.report), {},
                    "Its owner may send it, and a member of kpi_operator.");
    full.content_type = found.rows[0][1];
    full.object_key = found.rows[0][2];
    full.content =
        pg::bytes_value("SELECT content FROM kpi.report WHERE id = $1", {*draft.report}, {});
    return full;
}

template <class Value>
Param param(const std::optional<Value> &value) {
    if (!value) return Null{};
    return *value;
}

std::string state_of(ObjectId caller, int64_t id) {
    const Table found =
        pg::query("SELECT state, kpi._may_run($2, owner) FROM kpi.outbox WHERE id = $1 FOR UPDATE",
                  {id, caller});
    if (found.empty())
        throw Error("42704", fmt::format("message {} does not exist", id), {},
                    "The messages are in kpi.outbox; kpi.purge deletes settled ones.");
    if (found.rows[0][1] != "t")
        throw Error("42501", fmt::format("message {} belongs to another role", id), {},
                    "Its owner may do that, or a member of kpi_operator; yours are in kpi.outbox.");
    return *found.rows[0][0];
}

// Rows that somebody else holds are left for another time.
int64_t forget(const std::string &older_than, int64_t most, const Param &role) {
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    const Cell count = pg::value(R"(
        WITH old AS MATERIALIZED (
            SELECT o.id FROM kpi.outbox o
             WHERE o.state IN ('delivered', 'dead', 'cancelled')
               AND o.settled_at < (SELECT pg_catalog.clock_timestamp() - CAST($1 AS pg_catalog.interval))
               AND (CAST($3 AS pg_catalog.oid) IS NULL OR kpi._may_run(CAST($3 AS pg_catalog.oid), o.owner))
             ORDER BY o.settled_at LIMIT $2 FOR UPDATE SKIP LOCKED),
        gone AS (DELETE FROM kpi.outbox o USING old WHERE o.id = old.id RETURNING o.id),
        attempts AS (DELETE FROM kpi.delivery d USING gone WHERE d.message = gone.id)
        SELECT pg_catalog.count(*) FROM gone)",
                                 {older_than, most, role});
    return std::stoll(*count);
}

}  // namespace

int64_t notify(ObjectId caller, const Draft &wish) {
    if (wish.group_key && wish.group_key->empty())
        throw Error("22023", "group_key must not be empty", {}, "NULL is no group.");
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    pg::lock_name("sink " + wish.sink, pg::Sharing::shared);
    check_use(caller, wish.sink, Use::send);
    const Draft draft = with_report(caller, wish);
    check(draft);
    // Ids of a group become visible in their order: the next writer draws one after this commit.
    if (draft.group_key)
        pg::lock_name("group " + draft.sink + " " + *draft.group_key, pg::Sharing::exclusive);
    const Cell id =
        pg::value(R"(
        INSERT INTO kpi.outbox (sink, owner, message, content, content_type, object_key, dedupe_key, due_at, group_key, report)
        SELECT s.name, s.owner, $2, CAST($3 AS pg_catalog.bytea), $4, $5, $6,
               coalesce(CAST($7 AS pg_catalog.timestamptz), pg_catalog.clock_timestamp()), $8, CAST($9 AS pg_catalog.int8)
          FROM kpi.sink s WHERE s.name = $1
        ON CONFLICT (sink, owner, dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING
        RETURNING id)",
                  {draft.sink, Json{draft.message},
                   draft.content && !draft.report ? Param(Bytes{*draft.content}) : Param(Null{}),
                   param(draft.content_type), param(draft.object_key), param(draft.dedupe_key),
                   param(draft.not_before), param(draft.group_key), param(draft.report)});
    if (id) {
        pg::ring_courier_at_commit();
        return std::stoll(*id);
    }
    const Cell earlier = pg::value(
        "SELECT o.id FROM kpi.outbox o JOIN kpi.sink s ON s.name = o.sink AND s.owner = o.owner "
        "WHERE o.sink = $1 AND o.dedupe_key = $2",
        {draft.sink, *draft.dedupe_key}, kOften);
    // Purged in this very moment.
    if (!earlier)
        throw Error("40001", "the earlier message of this dedupe_key is being purged", {},
                    "Try again.");
    return std::stoll(*earlier);
}

void redeliver(ObjectId caller, int64_t id) {
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    const std::string state = state_of(caller, id);
    if (state == "pending" || state == "sending")
        throw Error("55000", fmt::format("message {} is {}", id, state), {},
                    "Only a message that is delivered, dead or cancelled can be sent again.");
    const int64_t changed = pg::execute(R"(
        UPDATE kpi.outbox o SET state = 'pending', attempts_before = o.attempts, due_at = pg_catalog.clock_timestamp(), settled_at = NULL,
                                status = NULL, error = NULL
         WHERE o.id = $1 AND EXISTS (SELECT FROM kpi.sink s WHERE s.name = o.sink AND s.owner = o.owner))",
                                        {id});
    if (changed == 0)
        throw Error("55000", fmt::format("the sink of message {} was dropped", id),
                    "A sink of the same name that belongs to somebody else is another sink.",
                    "Add the sink again with kpi.add_sink.");
    pg::ring_courier_at_commit();
}

void cancel(ObjectId caller, int64_t id) {
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    const std::string state = state_of(caller, id);
    if (state == "sending")
        throw Error("55000", fmt::format("message {} is being sent", id), {},
                    "Wait until the attempt has ended: it is then delivered, dead, or pending "
                    "again.");
    if (state != "pending")
        throw Error("55000", fmt::format("message {} is {} already", id, state), {},
                    "Only a pending message can be cancelled.");
    pg::execute(R"(
        UPDATE kpi.outbox SET state = 'cancelled', settled_at = pg_catalog.clock_timestamp() WHERE id = $1)",
                {id});
    // The next message of its group may go.
    pg::ring_courier_at_commit();
}

int64_t purge(ObjectId caller, const std::string &older_than) {
    if (pg::value("SELECT $1::pg_catalog.interval BETWEEN '0' AND '1000 years'", {older_than}) !=
        "t")
        throw Error("22023",
                    fmt::format("older_than must be between 0 and 1000 years, not {}", older_than),
                    {}, "It is the age from which on settled messages are deleted: '30 days'.");
    return forget(older_than, INT64_MAX, caller);
}

bool forget_old() {
    constexpr int64_t kSome = 5000;
    const int days = pg::settings().outbox_retention;
    return days > 0 && forget(fmt::format("{} days", days), kSome, Null{}) == kSome;
}

}  // namespace kpi::delivery
