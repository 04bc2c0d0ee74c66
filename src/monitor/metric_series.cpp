#include "monitor/metric_series.hpp"

#include <fmt/format.h>

#include "engine/registry/metrics.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {

namespace {

constexpr pg::Options kRead{.access = pg::Access::read_only};
constexpr int64_t kMicrosPerDay = 86400LL * 1000000;

std::string array_of(const std::vector<std::string> &names, std::string_view type) {
    std::string out;
    for (const std::string &name : names) out += (out.empty() ? "" : ", ") + pg::literal(name);
    return fmt::format("ARRAY[{}]::pg_catalog.{}[]", out, type);
}

// What the rows n of q need when the open bucket is among them: the share of it that is over.
// Nothing of this is asked for otherwise: what is expected by now costs a look at the same time of
// eight weeks.
struct OpenPart {
    std::string ctes, joined, share = "1::pg_catalog.float8";
};

OpenPart open_part(const MetricRequest &r, const std::string &start) {
    // The whole has enough events to tell the shape of a day, which small segments borrow.
    MetricRequest total = r;
    total.by.clear();
    const std::string metric = pg::literal(r.metric);
    const std::string whole = r.by.empty() ? "q" : query_call({r.metric}, start, total);
    return {
        fmt::format(R"(, usual AS (
    SELECT l.segment, pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY {1}) AS value
      FROM q l JOIN q w ON w.metric = l.metric AND w.segment = l.segment AND w.is_complete
                       AND w.day IN (l.day - 7, l.day - 14, l.day - 21, l.day - 28)
     WHERE l.metric = {0} AND NOT l.is_complete GROUP BY 1), whole AS MATERIALIZED (
    SELECT * FROM {2} a WHERE a.metric = {0}), pooled AS (
    SELECT pg_catalog.max({3}) AS so_far,
           pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY {1}) AS value
      FROM whole l JOIN whole w ON w.is_complete AND w.day IN (l.day - 7, l.day - 14, l.day - 21, l.day - 28)
     WHERE NOT l.is_complete))",
                    metric, number("w.value", "NULL"), whole, number("l.expected_so_far", "NULL")),
        " LEFT JOIN usual u ON u.segment = n.segment CROSS JOIN pooled t",
        fmt::format("CASE WHEN NOT n.is_complete THEN kpi._open_share({}, u.value, t.so_far, "
                    "t.value, n.elapsed_fraction) ELSE 1 END",
                    number("n.expected_so_far", "NULL"))};
}

// Enough to know a season and a year's trend; hours are kept for about two months anyway.
int history_days(const std::string &grain) {
    if (grain == "hour") return 56;
    return grain == "day" ? 400 : 1100;
}

}  // namespace

std::optional<Quotient> ratio_of(const std::string &metric) {
    const Cell formula =
        pg::value("SELECT formula FROM kpi.metric WHERE name = $1", {metric}, kRead);
    return formula ? quotient_of(*formula) : std::nullopt;
}

std::vector<std::string> measures_of(const std::string &metric) {
    std::vector<std::string> out;
    for (const engine::Metric &found : engine::load_metrics({metric}))
        for (const engine::MeasureUse &measure : found.measures) out.push_back(measure.name);
    return out;
}

bool is_level(const std::string &metric) {
    return pg::value(
               "SELECT 1 FROM kpi.counted WHERE name = ANY ($1) AND kind <> 'distinct' LIMIT 1",
               {measures_of(metric)}, kRead)
        .has_value();
}

std::optional<std::string> zone_of(const std::string &metric) {
    // All sources of a metric are in one zone.
    return pg::value(
        "SELECT s.timezone FROM kpi.source s JOIN (SELECT name, source FROM kpi.measure UNION ALL "
        "SELECT name, source FROM kpi.counted) m ON m.source = s.name WHERE m.name = ANY ($1) "
        "LIMIT 1",
        {measures_of(metric)}, kRead);
}

std::string number(const std::string &value, const std::string &otherwise) {
    return fmt::format(
        "CASE WHEN pg_catalog.abs({0}) < 1e150 THEN {0}::pg_catalog.float8 WHEN {0} IS NOT NULL "
        "THEN {1}::pg_catalog.float8 END",
        value, otherwise);
}

std::string query_call(const std::vector<std::string> &metrics, const std::string &start_at,
                       const MetricRequest &r) {
    return fmt::format(
        "kpi.query(metrics => {}, start_at => {}, end_at => {}, filters => {}::pg_catalog.jsonb, "
        "by => "
        "{}, grain => {}, max_rows => NULL)",
        array_of(metrics, "text"), pg::literal(start_at),
        r.end_at ? pg::literal(*r.end_at) : "NULL", pg::literal(r.filters), array_of(r.by, "name"),
        pg::literal(r.grain));
}

std::optional<engine::FirstBucket> first_bucket(const MetricRequest &r) {
    engine::Request request;
    request.metrics = std::vector{r.metric};
    request.start = r.start_at;
    request.end = r.end_at;
    request.filters = r.filters;
    request.grain = r.grain;
    return engine::first_bucket(request);
}

std::string facts_query(const MetricRequest &r, Timestamp since, Open open) {
    const auto ratio = ratio_of(r.metric);
    std::vector<std::string> metrics{r.metric};
    if (ratio) metrics.push_back(ratio->denominator);
    const int64_t days = since.microseconds / kMicrosPerDay - history_days(r.grain);
    const std::string start =
        *pg::value("SELECT ('2000-01-01'::pg_catalog.date + $1::pg_catalog.int4)::pg_catalog.text",
                   {days}, kRead);
    // A quotient is a rate, judged by its trials, when it is a percentage or never above one.
    const std::string trials =
        !ratio ? std::string("NULL::pg_catalog.float8")
        : ratio->is_percent
            ? number("d.value")
            : fmt::format("CASE WHEN pg_catalog.max(n.value) OVER () <= 1 THEN {} END",
                          number("d.value"));
    // Only where there is one: the planner knows nothing of q, and joins row with row.
    const std::string denominators =
        ratio ? fmt::format(
                    " LEFT JOIN q d ON d.metric = {} AND d.bucket = n.bucket AND "
                    "d.segment = n.segment",
                    pg::literal(ratio->denominator))
              : "";
    const bool keeps = open == Open::keep;
    const OpenPart part = keeps ? open_part(r, start) : OpenPart{};
    // Buckets before a segment's first facts are filled with 0: they are no history.
    return fmt::format(R"(
WITH q AS MATERIALIZED (SELECT {0} FROM {1}){2}
SELECT segment, at, value, trials, day, share FROM (
SELECT n.segment, n.bucket AS at, {3} AS value, {4} AS trials, n.day, {5} AS share,
       pg_catalog.min(n.bucket) FILTER (WHERE n.value <> 0) OVER (PARTITION BY n.segment) AS born
  FROM q n{6}{7}
 WHERE n.metric = {8} AND (n.is_complete OR {9})) x
 WHERE at >= born)",
                       keeps ? "*" : "bucket, day, segment, metric, value, is_complete",
                       query_call(metrics, start, r), part.ctes, number("n.value"), trials,
                       part.share, denominators, part.joined, pg::literal(r.metric), keeps);
}

}  // namespace kpi::monitor
