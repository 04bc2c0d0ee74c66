#include "monitor/detect.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"

namespace kpi::monitor {

namespace {

std::string options_of(const DetectRequest &r) {
    nlohmann::json o = {{"kind", r.kind},
                        {"method", r.method},
                        {"direction", r.direction},
                        {"partial", r.partial},
                        {"min_history", r.min_history}};
    if (r.threshold) o["threshold"] = *r.threshold;
    if (r.grain) o["grain"] = *r.grain;
    return o.dump();
}

// {"country": "MX", …}; jsonb_build_object takes 50 pairs, more dimensions than a cube can have.
std::string segment_of(const DetectRequest &r) {
    std::string out;
    for (const std::string &name : r.by) {
        out += (out.empty() ? "" : ", ") + pg::literal(name) + ", t." + pg::quote(name);
    }
    return "pg_catalog.jsonb_build_object(" + out + ")";
}

// One row a period: as they are, or summed to the grain. A rate is summed by its numerator.
std::string facts_of(const DetectRequest &r) {
    if (!r.facts.empty()) return r.facts;
    const std::string value = "t." + pg::quote(r.value) + "::pg_catalog.float8";
    const std::string trials = r.denominator
                                   ? "t." + pg::quote(*r.denominator) + "::pg_catalog.float8"
                                   : "NULL::pg_catalog.float8";
    std::string at = "t." + pg::quote(r.at) + "::pg_catalog.timestamptz", sum = value, all = trials;
    std::string group;
    if (r.grain) {
        at = fmt::format("pg_catalog.date_trunc({}, {})", pg::literal(*r.grain), at);
        sum = fmt::format("pg_catalog.{}({})", r.kind == "level" ? "avg" : "sum", value);
        all = fmt::format("pg_catalog.sum({})", trials);
        if (r.denominator)
            sum = fmt::format("pg_catalog.sum({} * {}) / nullif({}, 0)", value, trials, all);
        group = " GROUP BY 1, 2";
    }
    return fmt::format(
        "SELECT x.*, x.at::pg_catalog.date AS day, NULL::pg_catalog.float8 AS share FROM (SELECT "
        "{} "
        "AS segment, {} AS at, {} AS value, {} AS trials FROM {} t{}) x",
        segment_of(r), at, sum, all, r.relation, group);
}

bool has_hours(ObjectId relation) {
    return pg::value(
               "SELECT true FROM pg_catalog.pg_attribute WHERE attrelid = $1 AND attname = 'hours' "
               "AND atttypid = 'pg_catalog.tstzrange'::pg_catalog.regtype AND attnum > 0",
               {relation}, {.access = pg::Access::read_only})
        .has_value();
}

bool has_column(ObjectId relation, const char *name) {
    return pg::value(
               "SELECT true FROM pg_catalog.pg_attribute WHERE attrelid = $1 AND attname = $2 "
               "AND attnum > 0 AND NOT attisdropped",
               {relation, std::string(name)}, {.access = pg::Access::read_only})
        .has_value();
}

// One row a day with all its entries, so that a day with two names joins once.
std::string calendar_of(const DetectRequest &r) {
    if (!r.calendar) {
        return "SELECT NULL::pg_catalog.date AS day, NULL::pg_catalog.jsonb AS entries WHERE false";
    }
    for (const char *needed : {"day", "name"}) {
        if (!has_column(*r.calendar, needed)) {
            throw Error(
                "42703", fmt::format("calendar has no column \"{}\"", needed), {},
                "A calendar has the columns day date and name text, and may have effect text "
                "and scope jsonb, as kpi.event_day does.");
        }
    }
    const char *effect = has_column(*r.calendar, "effect") ? "e.effect" : "NULL::pg_catalog.text";
    const char *scope = has_column(*r.calendar, "scope") ? "e.scope" : "'{}'::pg_catalog.jsonb";
    const std::string relation = pg::qualified(*r.calendar);
    const bool hours = has_hours(*r.calendar);
    std::string entries = fmt::format(
        "SELECT e.day::pg_catalog.date AS day, e.name, {} AS effect, {} AS scope, "
        "NULL::pg_catalog.tstzrange AS hours FROM {} e{}",
        effect, scope, relation, hours ? " WHERE e.hours IS NULL" : "");
    // Days are those of the series' zone, at most fourteen hours from UTC: one more on both sides.
    if (hours)
        entries += fmt::format(
            " UNION ALL SELECT d::pg_catalog.date, h.name, h.effect, h.scope, h.hours FROM (SELECT "
            "DISTINCT e.name, {} AS effect, {} AS scope, e.hours FROM {} e WHERE e.hours IS NOT "
            "NULL) h, pg_catalog.generate_series((pg_catalog.lower(h.hours) AT TIME ZONE 'UTC') - "
            "interval '1 day', (pg_catalog.upper(h.hours) AT TIME ZONE 'UTC') + interval '1 day', "
            "interval '1 day') d",
            effect, scope, relation);
    return fmt::format(
        "SELECT e.day, pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', e.name, "
        "'effect', e.effect, 'scope', e.scope, 'hours', e.hours) ORDER BY e.name) AS entries FROM "
        "({}) e GROUP BY 1",
        entries);
}

// Whether a row is an hour; where the grain is not given, its distance to the one before tells.
std::string hourly_of(const DetectRequest &r) {
    if (!r.calendar || !has_hours(*r.calendar)) return "false";
    if (r.grain) return *r.grain == "hour" || *r.grain == "hourly" ? "true" : "false";
    return "coalesce(s.at - pg_catalog.lag(s.at) OVER (PARTITION BY s.segment ORDER BY s.at) <= "
           "interval '1 hour', false)";
}

constexpr std::string_view kJudged = R"(
SELECT f.segment, f.at, f.value, f.trials, f.entry ->> 'effect' AS effect,
       kpi._judge(f.value, f.at, f.trials, f.entry ->> 'name', f.entry ->> 'effect', f.share, $1)
           OVER (PARTITION BY f.segment ORDER BY f.at) AS v
  FROM (SELECT f.segment, f.at, f.value, f.trials, f.share,
               CASE WHEN c.entries IS NOT NULL THEN
                   -- An entry of hours counts for the hours it touches, first; a longer period is only annotated by it.
                   (SELECT CASE WHEN f.hourly OR x ->> 'hours' IS NULL THEN x ELSE x || '{{"effect": "annotate"}}' END
                      FROM pg_catalog.jsonb_array_elements(c.entries) x
                     WHERE f.segment @> (x -> 'scope')
                       AND (x ->> 'hours' IS NULL OR (x ->> 'hours')::pg_catalog.tstzrange
                               && pg_catalog.tstzrange(f.at, f.at + CASE WHEN f.hourly THEN interval '1 hour' ELSE interval '1 day' END))
                     ORDER BY (x ->> 'hours' IS NULL) = f.hourly, x ->> 'name' LIMIT 1) END AS entry
          FROM (SELECT s.*, {2} AS hourly FROM ({0}) s) f LEFT JOIN ({1}) c ON c.day = f.day) f)";

// What is flagged: by score, or by p over the segments of one period (Benjamini, Hochberg 1995).
std::string flags_of(const DetectRequest &r, const std::string &judged) {
    if (!r.fdr) {
        return fmt::format("SELECT j.*, (j.v).is_anomaly AS flagged FROM ({}) j", judged);
    }
    std::string side = "true";
    if (r.direction == "up") side = "value > (v).expected";
    if (r.direction == "down") side = "value < (v).expected";
    return fmt::format(
        "SELECT k.*, coalesce((v).p <= pg_catalog.max((v).p) FILTER (WHERE (v).p <= "
        "$2::pg_catalog.float8 * k.place / nullif(k.tests, 0)) OVER (PARTITION BY k.at) AND {} AND "
        "effect IS "
        "DISTINCT FROM 'ignore', false) AS flagged FROM (SELECT j.*, pg_catalog.rank() OVER "
        "(PARTITION BY j.at ORDER BY (j.v).p) AS place, pg_catalog.count((j.v).p) OVER (PARTITION "
        "BY "
        "j.at) AS tests FROM ({}) j) k",
        side, judged);
}

constexpr std::string_view kResult = R"(
SELECT m.segment, m.at, m.value, (m.v).expected, (m.v).lower, (m.v).upper, (m.v).score, (m.v).p, m.hit,
       CASE WHEN m.hit THEN coalesce((m.v).type, CASE WHEN m.value > (m.v).expected THEN 'spike' ELSE 'dip' END)
            WHEN NOT (m.v).is_anomaly THEN (m.v).type END,
       m.impact,
       CASE WHEN m.hit THEN coalesce((m.v).reason, pg_catalog.format('expected %s (%s to %s), p %s',
                pg_catalog.round((m.v).expected::pg_catalog.numeric, 4), pg_catalog.round((m.v).lower::pg_catalog.numeric, 4),
                pg_catalog.round((m.v).upper::pg_catalog.numeric, 4), pg_catalog.round((m.v).p::pg_catalog.numeric, 6)))
            WHEN NOT (m.v).is_anomaly THEN (m.v).reason END
  FROM (SELECT n.*, n.flagged AND pg_catalog.abs(n.impact) >= $3::pg_catalog.float8 AS hit
          FROM (SELECT o.*, (o.value - (o.v).expected) * coalesce({1}, 1) AS impact FROM ({0}) o) n) m
 WHERE ($4::pg_catalog.timestamptz IS NULL OR m.at >= $4::pg_catalog.timestamptz)
 ORDER BY m.at, m.segment)";

}  // namespace

std::string grain_unit(const std::string &interval) {
    if (interval == "01:00:00") return "hour";
    if (interval == "1 day") return "day";
    if (interval == "7 days") return "week";
    if (interval == "1 mon") return "month";
    throw Error("22023", fmt::format("unsupported grain \"{}\"", interval), {},
                "Use 1 hour, 1 day, 1 week or 1 month.");
}

void detect(const DetectRequest &r, pg::ResultSet &result) {
    if (r.fdr && !(*r.fdr > 0 && *r.fdr < 1)) {
        throw Error("22023", "fdr must be between 0 and 1",
                    "It is the share of false alarms among alarms.");
    }
    if (!(r.min_impact >= 0)) throw Error("22023", "min_impact must not be negative");
    const std::string judged =
        fmt::format(fmt::runtime(kJudged), facts_of(r), calendar_of(r), hourly_of(r));
    const bool weighted = r.denominator || !r.facts.empty();
    const std::string weight =
        weighted ? fmt::format("o.trials / {}", r.unit) : "NULL::pg_catalog.float8";
    const std::string sql = fmt::format(fmt::runtime(kResult), flags_of(r, judged), weight);
    Params params{Json{options_of(r)}, r.fdr ? Param{*r.fdr} : Param{Null{}}, r.min_impact,
                  r.since ? Param{*r.since} : Param{Null{}}};
    result.append_query(sql, params, {.access = pg::Access::read_only});
}

}  // namespace kpi::monitor
