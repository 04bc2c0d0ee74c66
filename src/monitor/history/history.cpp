#include "monitor/history/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/quotient.hpp"
#include "engine/query/series.hpp"
#include "monitor/check/rights.hpp"
#include "monitor/place.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

constexpr int kMostBuckets = 1500;  // read at once, after a long pause
constexpr int kForgotten = 1000;    // rows deleted in one transaction
constexpr std::int64_t kMaxDays = 36500;

// Which rows of a table are those of $1, $2 and $3.
constexpr const char *kMine =
    "(metric, grain, \"by\") = ($1, $2, $3::pg_catalog.text[]::pg_catalog.name[])";

HistoryKey normal(HistoryKey key) {
    std::sort(key.by.begin(), key.by.end());
    return key;
}

Params bound(const HistoryKey &key) { return {key.metric, std::string(name(key.grain)), key.by}; }

Params bound(const HistoryKey &key, std::initializer_list<Param> more) {
    Params out = bound(key);
    out.insert(out.end(), more);
    return out;
}

Cell formula_of(const std::string &metric) {
    return pg::value("SELECT formula FROM kpi.metric WHERE name = $1", {metric});
}

std::int64_t microseconds(const Cell &cell) { return cell ? std::stoll(*cell) : 0; }

// The end of what is written, and the present: buckets in between are to be read.
struct Gap {
    std::int64_t written_from = INT64_MIN;  // start of the last bucket that is written
    std::int64_t since = 0, now = 0;

    int buckets(Grain grain) const {
        const std::int64_t from = std::max(written_from, since);
        return std::clamp(reach(grain, from, now), 1, kMostBuckets);
    }
};

Gap gap_of(const HistoryKey &key) {
    const Table table = pg::query(
        fmt::format("SELECT {}, {}, {} FROM kpi.history WHERE {}",
                    pg::microseconds(fmt::format(
                        "(SELECT pg_catalog.max(bucket) FROM kpi.first_seen WHERE {})", kMine)),
                    pg::microseconds("since"), pg::microseconds("pg_catalog.clock_timestamp()"),
                    kMine),
        bound(key));
    if (table.empty()) return {};
    const Row &row = table.rows[0];
    return {row[0] ? microseconds(row[0]) : INT64_MIN, microseconds(row[1]), microseconds(row[2])};
}

// Of each segment [segment, value, trials], those that have one.
std::string values_at(const Place &metric, const Place &trials, size_t bucket) {
    using nlohmann::json;
    const auto number = [bucket](const double *values) {
        return values == nullptr || !std::isfinite(values[bucket]) ? json() : json(values[bucket]);
    };
    json out = json::array();
    for (const std::string &segment : metric.set->segments) {
        const json value = number(metric.values(segment)), of = number(trials.values(segment));
        if (value.is_null() && of.is_null()) continue;
        out.push_back({json::parse(segment), value, of});
    }
    return out.dump();
}

}  // namespace

void keep_history(ObjectId caller, HistoryKey key, std::int64_t days) {
    key = normal(std::move(key));
    if (key.grain > Grain::month)
        throw Error("22023", "grain of a history must be hour, day, week or month");
    if (days < 1 || days > kMaxDays)
        throw Error("22023", fmt::format("argument \"days\" must be from 1 to {}", kMaxDays), {},
                    "kpi.drop_history ends a history.");
    (void)engine::read_series(request_of(key, 1));
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    const Cell role = pg::value(
        fmt::format("SELECT role::pg_catalog.oid FROM kpi.history WHERE {}", kMine), bound(key));
    if (role)
        demand_run(caller, {uint32_t(std::stoul(*role))},
                   fmt::format("the history of \"{}\"", key.metric));
    pg::execute(
        "INSERT INTO kpi.history (metric, grain, \"by\", days, role) VALUES ($1, $2, "
        "$3::pg_catalog.text[]::pg_catalog.name[], $4::pg_catalog.int4, $5) ON CONFLICT (metric, "
        "grain, \"by\") DO UPDATE SET days = excluded.days, role = excluded.role",
        bound(key, {days, caller}));
    pg::execute(fmt::format("DELETE FROM kpi.history_state WHERE {}", kMine), bound(key));
}

bool drop_history(ObjectId caller, HistoryKey key) {
    key = normal(std::move(key));
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    const Cell role = pg::value(
        fmt::format("SELECT role::pg_catalog.oid FROM kpi.history WHERE {}", kMine), bound(key));
    if (!role) return false;
    demand_run(caller, {uint32_t(std::stoul(*role))},
               fmt::format("the history of \"{}\"", key.metric));
    for (const char *table : {"history", "history_state", "first_seen"})
        pg::execute(fmt::format("DELETE FROM kpi.{} WHERE {}", table, kMine), bound(key));
    return true;
}

std::optional<KeptHistory> take_due_history() {
    const Table due = pg::query(R"(
        WITH due AS MATERIALIZED (
            SELECT h.metric, h.grain, h."by", h.role
              FROM kpi.history h LEFT JOIN kpi.history_state s ON (s.metric, s.grain, s."by") = (h.metric, h.grain, h."by")
             WHERE coalesce(s.due_at, '-infinity') <= pg_catalog.clock_timestamp()
             ORDER BY s.due_at NULLS FIRST LIMIT 1 FOR UPDATE OF h SKIP LOCKED)
        INSERT INTO kpi.history_state AS s (metric, grain, "by", due_at)
        SELECT metric, grain, "by", pg_catalog.clock_timestamp() + interval '1 minute' FROM due
            ON CONFLICT (metric, grain, "by") DO UPDATE SET due_at = excluded.due_at
        RETURNING metric, grain, pg_catalog.array_to_json("by"), (SELECT role::pg_catalog.oid FROM due))");
    if (due.empty()) return std::nullopt;
    const Row &row = due.rows[0];
    return KeptHistory{{*row[0], parse_grain(*row[1]),
                        nlohmann::json::parse(*row[2]).get<std::vector<std::string>>()},
                       {uint32_t(std::stoul(*row[3]))}};
}

void record(const KeptHistory &history) {
    const HistoryKey &key = history.key;
    if (!pg::value("SELECT 1 FROM pg_catalog.pg_roles WHERE oid = $1", {history.role}))
        throw Error("42704", "the role that keeps this history was dropped", {},
                    "Call kpi.keep_history as a role that stays.");
    const Gap gap = gap_of(key);
    const std::string formula = formula_of(key.metric).value_or("");
    const std::optional<Quotient> quotient = quotient_of(formula);
    engine::SeriesRequest request = request_of(key, gap.buckets(key.grain));
    if (quotient && quotient->denominator != key.metric)
        request.metrics.push_back(quotient->denominator);
    std::vector<engine::SeriesSet> sets;
    {
        const pg::RunAs reader(history.role, pg::Restriction::reading);
        sets = engine::read_series(request);
    }
    const Place metric = place_of(sets, key.metric);
    const Place trials = quotient ? place_of(sets, quotient->denominator) : Place{};
    const std::vector<Bucket> &buckets = metric.set->buckets;
    for (size_t i = 0; i + 1 < buckets.size(); ++i) {
        if (buckets[i].start.microseconds <= gap.written_from ||
            buckets[i].end.microseconds <= gap.since)
            continue;
        pg::execute(
            "INSERT INTO kpi.first_seen (metric, grain, \"by\", bucket, formula, \"values\") "
            "VALUES ($1, $2, $3::pg_catalog.text[]::pg_catalog.name[], $4, $5, $6) ON CONFLICT DO "
            "NOTHING",
            bound(key, {buckets[i].start, formula, Json{values_at(metric, trials, i)}}));
    }
    // What a window source knows may be older than the clock: then it is asked again in a minute.
    pg::execute(fmt::format("UPDATE kpi.history_state SET error = NULL, due_at = CASE WHEN $4 > "
                            "pg_catalog.clock_timestamp() THEN $4 ELSE due_at END WHERE {}",
                            kMine),
                bound(key, {buckets.back().end}));
}

void note_failure(const KeptHistory &history, const Error &error) {
    const bool is_new =
        pg::value(fmt::format("UPDATE kpi.history_state SET error = $4 WHERE {} "
                              "AND error IS DISTINCT FROM $4 RETURNING 1",
                              kMine),
                  bound(history.key, {fmt::format("{}: {}", error.sqlstate, error.message)}))
            .has_value();
    if (is_new)
        pg::log(pg::Level::warning,
                fmt::format("the history of \"{}\" could not be kept: {}", history.key.metric,
                            error.message),
                error.detail, error.hint);
}

bool forget_old_history() {
    return pg::execute(R"(
        DELETE FROM kpi.first_seen WHERE ctid = ANY (ARRAY(
            SELECT f.ctid FROM kpi.first_seen f JOIN kpi.history h ON (h.metric, h.grain, h."by") = (f.metric, f.grain, f."by")
             WHERE f.bucket < pg_catalog.clock_timestamp() - pg_catalog.make_interval(days => h.days) LIMIT $1)))",
                       {std::int64_t(kForgotten)}) == kForgotten;
}

engine::SeriesRequest request_of(const HistoryKey &key, int back) {
    engine::SeriesRequest request;
    request.metrics = {key.metric};
    request.by = key.by;
    request.grain = key.grain;
    request.back = back;
    return request;
}

int reach(Grain grain, std::int64_t from, std::int64_t to) {
    const std::int64_t shortest = grain == Grain::hour   ? kHour
                                  : grain == Grain::day  ? 23 * kHour
                                  : grain == Grain::week ? 7 * 23 * kHour
                                                         : 28 * kDay;
    return int((to - from) / shortest) + 1;
}

Past first_seen(const HistoryKey &asked, Timestamp from) {
    const HistoryKey key = normal(asked);
    const Table table =
        pg::query(fmt::format(R"(
        SELECT {}, {}, e.value -> 0, e.value ->> 1, e.value ->> 2
          FROM kpi.first_seen f LEFT JOIN LATERAL pg_catalog.jsonb_array_elements(f."values") e ON true
         WHERE {} AND f.bucket >= $4 AND f.formula = (SELECT m.formula FROM kpi.metric m WHERE m.name = $1))",
                              pg::microseconds("f.bucket"), pg::microseconds("f.seen_at"), kMine),
                  bound(key, {from}), {.access = pg::Access::read_only});
    const auto number = [](const Cell &cell) { return cell ? std::stod(*cell) : std::nan(""); };
    Past out;
    for (const Row &row : table.rows) {
        SeenBucket &bucket = out[microseconds(row[0])];
        bucket.seen_at = {microseconds(row[1])};
        if (row[2]) bucket.segments[*row[2]] = {number(row[3]), number(row[4])};
    }
    return out;
}

}  // namespace kpi::monitor
