#include "monitor/incident/record.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "pg/bell.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

constexpr pg::Options kOften{.keep = pg::Keep::yes};

constexpr std::array<const char *, 5> kPhases = {"none", "pending", "firing", "acknowledged",
                                                 "resolved"};

Phase phase_of(const std::string &name) {
    for (size_t i = 0; i < kPhases.size(); ++i)
        if (name == kPhases[i]) return Phase(i);
    throw Error("XX000", fmt::format("unknown state of an incident: {}", name));
}

std::string micros(const char *column) {
    return fmt::format("coalesce({}, 0)", pg::microseconds(std::string("i.") + column));
}

// The columns of read(), in order.
std::string select(const std::string &where, Grip grip) {
    std::string times;
    for (const char *column : {"started_at", "fired_at", "resolved_at", "recovering_since",
                               "first_told_at", "last_told_at", "seen_at"})
        times += ", " + micros(column);
    return "SELECT i.id, i.fingerprint, i.kind, i.title, i.severity, i.details, i.segment, "
           "i.labels, i.rule, i.assignee, i.acknowledged_by, "
           "pg_catalog.array_to_json(i.sinks), i.role::pg_catalog.oid, i.parent, i.state" +
           times + ", i.repeats, i.muted, i.escalated FROM kpi.incident i WHERE " + where +
           " ORDER BY i.id" + (grip == Grip::held ? " FOR UPDATE" : "");
}

Incident read(const Row &row) {
    Incident it;
    it.id = std::stoll(*row[0]);
    it.fingerprint = *row[1];
    it.kind = *row[2];
    it.title = *row[3];
    it.severity = *row[4];
    it.details = *row[5];
    it.segment = *row[6];
    it.labels = *row[7];
    it.rule = row[8];
    it.assignee = row[9];
    it.acknowledged_by = row[10];
    it.sinks = nlohmann::json::parse(*row[11]).get<std::vector<std::string>>();
    it.role = {uint32_t(std::stoul(*row[12]))};
    if (row[13]) it.parent = std::stoll(*row[13]);
    Life &life = it.life;
    life.phase = phase_of(*row[14]);
    life.started = std::stoll(*row[15]);
    life.fired = std::stoll(*row[16]);
    life.ended = std::stoll(*row[17]);
    life.recovering = std::stoll(*row[18]);
    life.first_told = std::stoll(*row[19]);
    life.last_told = std::stoll(*row[20]);
    it.seen_at = std::stoll(*row[21]);
    life.repeats = std::stoi(*row[22]);
    life.muted = *row[23] == "t";
    life.escalated = *row[24] == "t";
    return it;
}

std::vector<Incident> read_all(const std::string &where, const Params &params,
                               Grip grip = Grip::held) {
    std::vector<Incident> all;
    for (const Row &row : pg::query(select(where, grip), params, kOften).rows)
        all.push_back(read(row));
    return all;
}

Param text(const std::optional<std::string> &value) {
    return value ? Param(*value) : Param(Null{});
}
Param time(std::int64_t value) { return value == 0 ? Param(Null{}) : Param(Timestamp{value}); }

// $1 to $24 of the statements below.
Params values(const Incident &it) {
    const Life &life = it.life;
    return {it.fingerprint,
            it.kind,
            it.title,
            it.severity,
            Json{it.details},
            Json{it.segment},
            Json{it.labels},
            text(it.rule),
            text(it.assignee),
            text(it.acknowledged_by),
            it.sinks,
            it.role,
            it.parent ? Param(*it.parent) : Param(Null{}),
            std::string(phase_name(life.phase)),
            time(life.started),
            time(life.fired),
            time(life.ended),
            time(life.recovering),
            time(life.first_told),
            time(life.last_told),
            std::int64_t(life.repeats),
            life.muted,
            life.escalated,
            time(it.seen_at)};
}

constexpr const char *kInsert = R"(
INSERT INTO kpi.incident (fingerprint, kind, title, severity, details, segment, labels, rule, assignee, acknowledged_by, sinks, role,
    parent, state, started_at, fired_at, resolved_at, recovering_since, first_told_at, last_told_at, repeats, muted, escalated,
    seen_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::pg_catalog.int8, $14, $15::pg_catalog.timestamptz, $16::pg_catalog.timestamptz, $17::pg_catalog.timestamptz, $18::pg_catalog.timestamptz, $19::pg_catalog.timestamptz, $20::pg_catalog.timestamptz, $21::pg_catalog.int4, $22, $23, $24::pg_catalog.timestamptz)
ON CONFLICT (fingerprint) WHERE state <> 'resolved' DO NOTHING RETURNING id)";

constexpr const char *kUpdate = R"(
UPDATE kpi.incident SET fingerprint = $1, kind = $2, title = $3, severity = $4, details = $5, segment = $6, labels = $7, rule = $8,
    assignee = $9, acknowledged_by = $10, sinks = $11, role = $12, parent = $13::pg_catalog.int8, state = $14, started_at = $15::pg_catalog.timestamptz, fired_at = $16::pg_catalog.timestamptz,
    resolved_at = $17::pg_catalog.timestamptz, recovering_since = $18::pg_catalog.timestamptz, first_told_at = $19::pg_catalog.timestamptz, last_told_at = $20::pg_catalog.timestamptz, repeats = $21::pg_catalog.int4, muted = $22, escalated = $23,
    seen_at = $24::pg_catalog.timestamptz
 WHERE id = $25)";

}  // namespace

const char *phase_name(Phase phase) { return kPhases[size_t(phase)]; }

std::optional<Incident> open_incident(const std::string &fingerprint) {
    auto found = read_all("i.fingerprint = $1 AND i.state <> 'resolved'", {fingerprint});
    if (found.empty()) return std::nullopt;
    return std::move(found[0]);
}

std::vector<Incident> open_incidents_of(const std::string &rule) {
    return read_all("i.rule = $1 AND i.kind = 'rule' AND i.state <> 'resolved'", {rule});
}

std::vector<Incident> open_incidents_of_others() {
    return read_all("i.kind NOT IN ('rule', 'error') AND i.state = 'firing' AND i.muted", {});
}

Incident incident_by_id(std::int64_t id, Grip grip) {
    auto found = read_all("i.id = $1", {id}, grip);
    if (found.empty())
        throw Error("42704", fmt::format("incident {} does not exist", id), {},
                    "The open ones are in kpi.open_incident, all of them in kpi.incident.");
    return std::move(found[0]);
}

Incident incident_of_caller(std::int64_t id, ObjectId caller, Grip grip) {
    Incident incident = incident_by_id(id, grip);
    if (pg::value("SELECT kpi._may_run($1, $2)", {caller, incident.role}) != "t")
        throw Error("42501", fmt::format("incident {} belongs to another role", id), {},
                    "The role whose rule or check it is may do that, or a member of kpi_operator.");
    return incident;
}

// The worker is rung for: it announces what has changed to whoever shows incidents.
void save(Incident &incident) {
    pg::ring_at_commit();
    if (incident.life.phase == Phase::none) {
        if (incident.id == 0) return;
        pg::execute("DELETE FROM kpi.incident WHERE id = $1", {incident.id}, kOften);
        pg::execute("DELETE FROM kpi.incident_event WHERE incident = $1", {incident.id}, kOften);
        return;
    }
    Params params = values(incident);
    if (incident.id != 0) {
        params.emplace_back(incident.id);
        pg::execute(kUpdate, params, kOften);
        return;
    }
    if (const Cell id = pg::value(kInsert, params, kOften)) incident.id = std::stoll(*id);
}

void add_event(std::int64_t incident, std::int64_t at, const char *kind,
               const std::optional<std::string> &by, const std::optional<std::string> &words,
               const std::string &details) {
    pg::execute(
        R"(INSERT INTO kpi.incident_event (incident, at, kind, "by", text, details) VALUES ($1, $2, $3, $4, $5, $6))",
        {incident, Timestamp{at}, std::string(kind), text(by), text(words), Json{details}}, kOften);
}

// By the index of open incidents: no more rows are read than are open.
Board board() {
    const Table found = pg::query(R"(
        SELECT count(*) FILTER (WHERE i.parent IS NULL),
               pg_catalog.md5(pg_catalog.concat(
                   pg_catalog.string_agg(pg_catalog.jsonb_build_array(i.id, i.state, i.severity, i.assignee, i.acknowledged_by,
                                                                      i.parent)::pg_catalog.text, '' ORDER BY i.id), ' ',
                   (SELECT pg_catalog.string_agg(s.id::pg_catalog.text, ' ' ORDER BY s.id) FROM kpi.silence s
                     WHERE s.until > pg_catalog.clock_timestamp())))
          FROM kpi.incident i WHERE i.state <> 'resolved' AND i.state <> 'pending')",
                                  {}, kOften);
    return {std::stoi(*found.rows[0][0]), *found.rows[0][1]};
}

bool is_silenced(std::int64_t incident, const std::string &labels, ObjectId role,
                 std::int64_t now) {
    return pg::value(
               "SELECT true FROM kpi.silence s WHERE s.until > $3 AND $1 @> s.matcher AND "
               "(s.incident IS NULL OR s.incident = $4) AND kpi._may_run(s.role, $2) LIMIT 1",
               {Json{labels}, role, Timestamp{now}, incident}, kOften) == "t";
}

}  // namespace kpi::monitor
