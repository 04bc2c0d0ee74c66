#include "worker/refresh.hpp"

#include <fmt/format.h>

#include "pg/process.hpp"
#include "pg/settings.hpp"
#include "pg/waiter.hpp"
#include "worker/backoff.hpp"

namespace kpi::worker {
namespace {

constexpr int64_t kLookEvery = 1'000'000;

struct Facts {
    ObjectId owner;
    bool filled = false;
    bool can_be_concurrent = false;
};

// The index conditions are those of REFRESH ... CONCURRENTLY.
Facts describe(ObjectId view) {
    const Table found = pg::query(R"(
        SELECT c.relowner, c.relkind, c.relispopulated,
               EXISTS (SELECT FROM pg_catalog.pg_index i
                        WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid
                          AND i.indpred IS NULL AND NOT 0 = ANY (i.indkey::int2[]))
          FROM pg_catalog.pg_class c WHERE c.oid = $1)",
                                  {view});
    if (found.empty())
        throw Error("42P01", fmt::format("relation with OID {} does not exist", view.value));
    const Row &row = found.rows[0];
    if (row[1] != "m")
        throw Error("42809", fmt::format("{} is not a materialized view", pg::qualified(view)), {},
                    "Only materialized views are refreshed; tables and views are always current.");
    const bool filled = row[2] == "t";
    return {ObjectId{uint32_t(std::stoul(*row[0]))}, filled, filled && row[3] == "t"};
}

struct Contents {
    std::string rows;
    Cell latest;  // the greatest of the first column of type date
};

// What is in the view now, so that whoever asks (kpi.view_state) need not count. As its owner.
Contents count(ObjectId view, const std::string &name) {
    const Cell column = pg::value(
        "SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 "
        "AND NOT a.attisdropped AND a.atttypid = 'pg_catalog.date'::pg_catalog.regtype ORDER BY "
        "a.attnum LIMIT 1",
        {view});
    const Table counted = pg::query(
        fmt::format("SELECT pg_catalog.count(*), {} FROM {}",
                    column ? "pg_catalog.max(" + pg::quote(*column) + ")" : "NULL::date", name));
    return {*counted.rows[0][0], counted.rows[0][1]};
}

}  // namespace

void refresh_view(ObjectId view, Manner manner, Analyze analyze) {
    const Facts facts = describe(view);
    const std::string name = pg::qualified(view);
    // Taken before the refresh takes its snapshot: what is merged in between counts as not
    // refreshed.
    const Cell started = pg::value("SELECT pg_catalog.clock_timestamp()");
    Contents contents;
    {
        pg::RunAs owner(facts.owner, pg::Restriction::refresh);
        const bool concurrent = manner == Manner::concurrent && facts.can_be_concurrent;
        pg::execute(
            fmt::format("REFRESH MATERIALIZED VIEW {}{}", concurrent ? "CONCURRENTLY " : "", name));
        if (analyze == Analyze::always || (analyze == Analyze::when_new && !facts.filled))
            pg::execute("ANALYZE " + name);
        contents = count(view, name);
    }
    pg::execute(
        R"(
        UPDATE kpi.view SET refreshed_at = $2::pg_catalog.timestamptz, last_error = NULL,
               duration = pg_catalog.clock_timestamp() - $2::pg_catalog.timestamptz,
               rows = $3::pg_catalog.int8, max_day = $4::pg_catalog.date,
               timezone = (SELECT pg_catalog.min(s.timezone) FROM kpi._view_sources($1) v JOIN kpi.source s ON s.name = v.source)
         WHERE view = $1)",
        {view, *started, contents.rows, contents.latest ? Param(*contents.latest) : Param(Null{})});
}

std::vector<View> dirty_views(double interval) {
    // The cheap conditions first; what a view reads is looked up only when it may be refreshed at
    // all.
    const Table table = pg::query(R"(
        SELECT v.view::pg_catalog.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
          FROM kpi.view v
          JOIN pg_catalog.pg_class c ON c.oid = v.view AND c.relkind = 'm'
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE CASE WHEN v.refreshed_at IS NULL OR NOT c.relispopulated THEN true
                    WHEN v.refreshed_at + pg_catalog.make_interval(secs => $1) > pg_catalog.clock_timestamp() THEN false
                    WHEN NOT EXISTS (SELECT FROM kpi.source_state st WHERE st.merged_at > v.refreshed_at) THEN false
                    ELSE EXISTS (SELECT FROM kpi._view_sources(v.view) s
                                   JOIN kpi.source_state st ON st.source = s.source AND st.merged_at > v.refreshed_at) END
         ORDER BY v.refreshed_at NULLS FIRST)",
                                  {interval});
    std::vector<View> views;
    for (const Row &row : table.rows)
        views.push_back({ObjectId{uint32_t(std::stoul(*row[0]))}, *row[1]});
    return views;
}

void Refresher::refresh_due(Announcement &changes) {
    if (pg::ticks() - looked_at_ < kLookEvery) return;
    looked_at_ = pg::ticks();
    std::vector<View> views;
    steps_.run([&] { views = dirty_views(double(pg::settings().refresh_interval)); });
    for (const View &view : views) {
        Patience &patience = health_[view.id.value];
        const int64_t began = pg::ticks();
        if (began < patience.not_before) continue;
        pg::report_activity("kpi_ext: refreshing " + view.name);
        try {
            {
                const Limited limited(steps_, patience.allowance(pg::settings().source_timeout));
                steps_.run([&] { refresh_view(view.id, Manner::concurrent, Analyze::when_new); });
            }
            patience.failures = 0;
            changes.add_view(view.name);
        } catch (const Error &error) {
            if (steps_.gone()) throw;
            failed(view, error, pg::ticks() - began);
        }
    }
}

void Refresher::failed(const View &view, const Error &error, int64_t took) {
    Patience &health = health_[view.id.value];
    health.failed(pg::ticks(), took, error.sqlstate == "57014");
    if (worth_logging(health.failures))
        pg::log(pg::Level::warning,
                fmt::format("refresh of {} failed: {}", view.name, error.message), error.detail,
                error.hint);
    steps_.run([&] {
        pg::execute(
            "UPDATE kpi.view SET last_error = $2, last_error_at = pg_catalog.clock_timestamp() "
            "WHERE view = $1",
            {view.id, fmt::format("{}: {}", error.sqlstate, error.message)});
    });
}

}  // namespace kpi::worker
