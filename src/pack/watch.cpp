#include "pack/watch.hpp"

#include <fmt/format.h>

#include "monitor/check/definition.hpp"
#include "monitor/probe/definition.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::pack {
namespace {

constexpr const char *kRarely = "6 hours";

bool remember(const std::string &kind, const std::string &name) {
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    return pg::execute(fmt::format("INSERT INTO kpi.sales_item (kind, name) SELECT $1, $2 WHERE "
                                   "NOT EXISTS (SELECT FROM kpi.{} x WHERE x.name = $2) ON "
                                   "CONFLICT DO NOTHING",
                                   kind),
                       {kind, name}) > 0;
}

class Watch {
public:
    explicit Watch(const WatchedPair &pair) : pair_(pair) {}

    int add() {
        if (pair_.leads) add_table("leads", *pair_.leads);
        if (pair_.payments) add_table("payments", *pair_.payments);
        for (const NewMetric &metric : metrics(pair_.parts()))
            if (metric.unit == "%")
                add_check({.name = metric.name,
                           .kind = "range",
                           .parameters = fmt::format(
                               R"({{"metric": "{}", "min": 0, "max": {}, "window": "7 days"}})",
                               metric.name, metric.most),
                           .every = kRarely,
                           .source = pair_.payments ? "payments" : "leads"});
        add_view("mv_kpi_daily", R"({"min_days": 30})");
        add_view("mv_kpi_timeseries_90d", R"({"min_days": 30})");
        add_view("mv_kpi_daily_segment", "{}");
        add_probes();
        return added_;
    }

private:
    void add_check(monitor::NewCheck check) {
        check.name = "sales_" + check.name;
        if (!remember("check", check.name)) return;
        monitor::add_check(pg::current_role(), check);
        ++added_;
    }

    void add_table(const char *source, const WatchedTable &watched) {
        const std::string name = source;
        add_check({.name = name + "_freshness",
                   .kind = "freshness",
                   .parameters = R"({"max_age": "24 hours"})",
                   .source = name});
        add_check({.name = name + "_errors", .kind = "capture_errors", .source = name});
        add_check({.name = name + "_drift", .kind = "drift", .every = kRarely, .source = name});
        for (const auto &column : {watched.table.country, watched.table.source})
            if (column) add_nulls(name, watched, *column);
    }

    // Empty ones are 'unknown' to the facts views as NULL ones are. They spoil a segment, not the
    // totals: no rule keeps quiet for severity info.
    void add_nulls(const std::string &source, const WatchedTable &watched, const Column &column) {
        const std::string time =
            *pg::value("SELECT pg_catalog.to_json($1)", {watched.table.time.name});
        add_check(
            {.name = fmt::format("{}_null_{}", source, column.name).substr(0, 50),
             .kind = "null_rate",
             .parameters = fmt::format(
                 R"({{"max_percent": 10, "window": "7 days", "blank": true, "time_column": {}}})",
                 time),
             .severity = "info",
             .every = kRarely,
             .source = source,
             .column = column.name,
             .relation = watched.id});
    }

    std::string view(const char *name) const { return pair_.schema + "." + name; }

    void add_view(const char *name, const char *parameters) {
        const Cell id =
            pg::value("SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", {view(name)});
        if (!id) return;
        add_check({.name = name,
                   .kind = "view_size",
                   .parameters = parameters,
                   .every = kRarely,
                   .relation = ObjectId{uint32_t(std::stoul(*id))}});
    }

    void add_probe(const char *name, const std::string &sql) {
        const std::string full = std::string("sales_") + name;
        if (!remember("probe", full)) return;
        monitor::add_probe(pg::current_role(), {.name = full,
                                                .sql = sql,
                                                .every = "30 minutes",
                                                .slow = "500 ms",
                                                .severity = "warning",
                                                .sinks = {}});
        ++added_;
    }

    // What a dashboard asks when it is opened.
    void add_probes() {
        add_probe("summary", "SELECT * FROM kpi.summary()");
        add_probe("daily",
                  fmt::format("SELECT * FROM {} WHERE day > current_date - 30 ORDER BY day",
                              view("mv_kpi_daily")));
        add_probe("timeseries", fmt::format("SELECT * FROM {} ORDER BY metric, day",
                                            view("mv_kpi_timeseries_90d")));
        const char *sum = pair_.payments ? "revenue" : "leads";
        add_probe("segments",
                  fmt::format("SELECT country, source, sum({0}) FROM {1} WHERE day > current_date "
                              "- 30 GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 20",
                              sum, view("mv_kpi_daily_segment")));
    }

    const WatchedPair &pair_;
    int added_ = 0;
};

}  // namespace

int add_watch(const WatchedPair &pair) { return Watch(pair).add(); }

bool lacks_watch() {
    return pg::value(
               "SELECT NOT EXISTS (SELECT FROM kpi.sales_item WHERE kind IN ('check', "
               "'probe'))") == "t";
}

void remove_watch() {
    const ObjectId caller = pg::current_role();
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    const Table items = pg::query(
        "SELECT kind, name FROM kpi.sales_item i WHERE CASE kind WHEN 'check' THEN EXISTS (SELECT "
        "FROM kpi.check c WHERE c.name = i.name) WHEN 'probe' THEN EXISTS (SELECT FROM kpi.probe p "
        "WHERE p.name = i.name) END");
    for (const Row &row : items.rows)
        if (row[0] == "check")
            monitor::drop_check(caller, *row[1]);
        else
            monitor::drop_probe(caller, *row[1]);
    pg::execute("DELETE FROM kpi.sales_item WHERE kind IN ('check', 'probe')");
}

}  // namespace kpi::pack
