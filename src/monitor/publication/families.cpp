#include "monitor/publication/families.hpp"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "engine/registry/metrics.hpp"
#include "engine/registry/source_info.hpp"
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

Families read(const GaugeWish &wish, pg::Access access) {
    // Segments of no metric are none: only the health is left.
    const std::vector<std::string> by = wish.metrics.empty() ? std::vector<std::string>{} : wish.by;
    const Table table =
        pg::query(kFamilies,
                  {wish.metrics, by, wish.top, wish.rank_by ? Param(*wish.rank_by) : Param(Null{})},
                  {.access = access});
    return {*table.rows[0][0], *table.rows[0][1], *table.rows[0][2], {}};
}

// Tries every metric alone, and leaves those that can be read.
std::vector<Unreadable> take_out_unreadable(GaugeWish &wish, pg::Access access) {
    std::vector<std::string> names = wish.metrics;
    if (wish.rank_by && std::find(names.begin(), names.end(), *wish.rank_by) == names.end())
        names.push_back(*wish.rank_by);
    std::vector<Unreadable> out;
    for (const std::string &name : names) {
        const auto error = pg::tried([&] {
            (void)read({{name}, wish.by, wish.top, std::nullopt}, access);
        });
        if (!error) continue;
        out.push_back({name, *error});
        std::erase(wish.metrics, name);
        if (wish.rank_by == name) wish.rank_by.reset();
    }
    return out;
}

void name_unreadable(Families &families) {
    if (families.unreadable.empty()) return;
    nlohmann::json samples = nlohmann::json::array();
    for (const Unreadable &each : families.unreadable) {
        samples.push_back({{"labels", {{"metric", each.metric}, {"sqlstate", each.error.sqlstate}}},
                           {"value", 1}});
        families.digest += " " + each.metric + " " + each.error.sqlstate;
    }
    nlohmann::json metrics = nlohmann::json::parse(families.metrics);
    metrics.push_back({{"name", "kpi_metric_unreadable"},
                       {"type", "gauge"},
                       {"help", "Metrics that raise an error when they are read, and are left out"},
                       {"samples", samples}});
    families.metrics = metrics.dump();
}

// Every readable metric; those without the dimensions come back: they have no segments.
std::vector<std::string> take_all(GaugeWish &wish) {
    const std::vector<engine::Metric> metrics = engine::load_readable_metrics();
    std::set<std::string> sources;
    for (const engine::Metric &metric : metrics)
        sources.insert(metric.sources.begin(), metric.sources.end());
    for (const engine::SourceInfo &source : engine::load_sources(
             {sources.begin(), sources.end()}, pg::Access::read_only, engine::Dimensions::load))
        if (std::all_of(wish.by.begin(), wish.by.end(),
                        [&](const std::string &name) { return source.dimension(name) >= 0; }))
            sources.erase(source.name);
    std::vector<std::string> without;
    for (const engine::Metric &metric : metrics) {
        const bool lacks =
            std::any_of(metric.sources.begin(), metric.sources.end(),
                        [&](const std::string &source) { return sources.contains(source); });
        (lacks ? without : wish.metrics).push_back(metric.name);
    }
    if (wish.metrics.empty() && !without.empty())
        throw Error("22023", "no metric has all the dimensions that are asked for", {},
                    "SELECT name, dimensions FROM kpi.source lists them.");
    return without;
}

// An argument that is wrong, as opposed to a metric that breaks.
void raise_wrong_argument(const Families &families, const GaugeWish &wish, bool every_metric) {
    for (const Unreadable &each : families.unreadable)
        if ((!every_metric || wish.rank_by == each.metric) &&
            (each.error.sqlstate == "42704" || each.error.sqlstate == "42501" ||
             each.error.sqlstate == "22023"))
            throw Error(each.error);
}

// Without the name of what is unreadable.
Families readable(const GaugeWish &wish, pg::Access access) {
    Families out;
    const auto error = pg::tried([&] { out = read(wish, access); });
    if (!error) return out;
    GaugeWish rest = wish;
    const std::vector<Unreadable> unreadable = take_out_unreadable(rest, access);
    if (unreadable.empty()) throw Error(*error);
    out = read(rest, access);
    out.unreadable = unreadable;
    return out;
}

// The families that are not there yet: health and clocks are in both.
void add(Families &families, const Families &more) {
    nlohmann::json metrics = nlohmann::json::parse(families.metrics);
    std::set<std::string> known;
    for (const nlohmann::json &metric : metrics) known.insert(metric.at("name"));
    for (const nlohmann::json &metric : nlohmann::json::parse(more.metrics))
        if (!known.contains(metric.at("name"))) metrics.push_back(metric);
    families.metrics = metrics.dump();
    families.unreadable.insert(families.unreadable.end(), more.unreadable.begin(),
                               more.unreadable.end());
}

}  // namespace

Families gauge_families(const GaugeWish &wish, pg::Access access) {
    Families out = readable(wish, access);
    name_unreadable(out);
    return out;
}

std::string prometheus_text(const GaugeWish &wish, bool every_metric) {
    if (wish.top < 1) throw Error("22023", "argument \"top\" must be at least 1");
    GaugeWish whole = wish;
    GaugeWish totals{every_metric ? take_all(whole) : std::vector<std::string>{}, {}, 1, {}};
    Families families = readable(whole, pg::Access::read_only);
    raise_wrong_argument(families, wish, every_metric);
    if (!totals.metrics.empty()) add(families, readable(totals, pg::Access::read_only));
    name_unreadable(families);
    nlohmann::json metrics = nlohmann::json::parse(families.metrics);
    for (nlohmann::json &metric : metrics)
        for (nlohmann::json &sample : metric["samples"])
            sample["labels"]["database"] = families.database;
    return net::pushgateway::exposition(metrics, nlohmann::json::object());
}

}  // namespace kpi::monitor
