#include "monitor/publication/families.hpp"

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "engine/registry/metrics.hpp"
#include "net/sink/pushgateway/exposition.hpp"

namespace kpi::monitor {
namespace {

// $1 metrics, $2 by, $3 top, $4 rank_by. Dimensions become names of labels; those that Prometheus
// and the group of the push use themselves are renamed as Prometheus does it.
constexpr const char *kFamilies = R"(
WITH gauges AS MATERIALIZED (
    SELECT g.gauge, g.help, g.is_clock, g.value,
           (SELECT coalesce(pg_catalog.jsonb_object_agg(
                       CASE WHEN n.name ~ '^([0-9]|__|(job|instance|database)$)' THEN 'exported_' || n.name ELSE n.name END,
                       CASE l.value WHEN '' THEN '(blank)' ELSE coalesce(l.value, '') END), '{}')
              FROM pg_catalog.jsonb_each_text(g.labels) l,
                   LATERAL (SELECT pg_catalog.regexp_replace(l.key, '[^a-zA-Z0-9_]', '_', 'g') AS name) n) AS labels
      FROM kpi.gauges($1, $2::pg_catalog.name[], $3::pg_catalog.int4, $4) g
     WHERE g.value IS NOT NULL),
metrics AS (
    SELECT gauge, pg_catalog.min(help) AS help,
           pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('labels', labels, 'value',
               CASE WHEN value = 'NaN' THEN '"NaN"'::jsonb WHEN value > 1.7e308 THEN '"+Inf"' WHEN value < -1.7e308 THEN '"-Inf"'
                    ELSE pg_catalog.to_jsonb(value) END)
               ORDER BY labels) AS samples
      FROM gauges GROUP BY gauge)
SELECT (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'name', gauge, 'type', 'gauge', 'help', help, 'samples', samples) ORDER BY gauge), '[]') FROM metrics),
       (SELECT pg_catalog.md5(coalesce(pg_catalog.string_agg(pg_catalog.concat_ws(' ', gauge, labels, value), E'\n' ORDER BY gauge, labels), ''))
          FROM gauges WHERE NOT is_clock),
       pg_catalog.current_database())";

}  // namespace

Families gauge_families(const GaugeWish &wish, pg::Access access) {
    const Table table = pg::query(
        kFamilies,
        {wish.metrics, wish.by, wish.top, wish.rank_by ? Param(*wish.rank_by) : Param(Null{})},
        {.access = access});
    return {*table.rows[0][0], *table.rows[0][1], *table.rows[0][2]};
}

std::string prometheus_text(const GaugeWish &wish, bool every_metric) {
    if (wish.top < 1) throw Error("22023", "argument \"top\" must be at least 1");
    GaugeWish whole = wish;
    if (every_metric)
        for (const engine::Metric &metric : engine::load_readable_metrics())
            whole.metrics.push_back(metric.name);
    const Families families = gauge_families(whole, pg::Access::read_only);
    nlohmann::json metrics = nlohmann::json::parse(families.metrics);
    for (nlohmann::json &metric : metrics)
        for (nlohmann::json &sample : metric["samples"])
            sample["labels"]["database"] = families.database;
    return net::pushgateway::exposition(metrics, nlohmann::json::object());
}

}  // namespace kpi::monitor
