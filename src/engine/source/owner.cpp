#include "engine/source/owner.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "engine/registry/triggers.hpp"
#include "engine/rollup/dirty_marks.hpp"
#include "engine/rollup/grouping.hpp"
#include "engine/rollup/mutex.hpp"
#include "engine/rollup/reconcile.hpp"
#include "engine/rollup/settings.hpp"
#include "engine/rollup/upkeep.hpp"
#include "engine/source/facts_change.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

constexpr int64_t kBatch = 50000;

// A merge takes milliseconds, a repair may take long: wait a while, then say so.
void lock_for_owner(const Layout &source) {
    const auto timeout = pg::value(
        "SELECT CASE WHEN setting::int BETWEEN 1 AND 10000 THEN setting ELSE '10000' END "
        "FROM pg_catalog.pg_settings WHERE name = 'lock_timeout'");
    const pg::LocalSettings patience({{"lock_timeout", timeout.value_or("10000")}});
    if (lock_source({source.base, source.info.facts, source.delta_id}, Wait::briefly)) return;
    throw Error("55P03", fmt::format("source \"{}\" is locked", source.name()),
                "Another session changes its base table or its facts view.",
                "Try again when that transaction has ended.");
}

std::string local_day(const Layout &source, Timestamp at) {
    return pg::value("SELECT ($1 AT TIME ZONE $2)::date", {at, source.info.timezone}).value_or("");
}

bool is_before(const std::string &left, const std::string &right) {
    return pg::value("SELECT $1::date < $2::date", {left, right}) == "t";
}

int64_t merge_all_of(const std::string &name) {
    int64_t rows = 0;
    while (true) {
        const Progress step = merge(name, kBatch);
        rows += step.rows;
        if (step.busy)
            pg::log(pg::Level::notice,
                    fmt::format("source \"{}\" is being merged by another session, skipped", name));
        if (!step.more) return rows;
    }
}

std::vector<std::string> owned_sources() {
    std::vector<std::string> out;
    const Table found = pg::query(
        "SELECT s.name FROM kpi.source s JOIN pg_catalog.pg_class c ON c.oid = s.facts "
        "WHERE pg_catalog.pg_has_role(c.relowner, 'USAGE') ORDER BY s.name");
    for (const Row &row : found.rows) out.push_back(*row[0]);
    return out;
}

}  // namespace

DayRange whole_days(const Layout &source, const Period &period) {
    DayRange days;
    if (period.from) days.from = local_day(source, *period.from);
    // The day that holds the last instant before the end, and the day after it as the open bound.
    if (period.to)
        days.to = pg::value(
                      "SELECT CASE WHEN isfinite($1) THEN (($1 - interval '1 microsecond') AT TIME "
                      "ZONE $2)::date + 1 "
                      "ELSE ($1 AT TIME ZONE $2)::date END",
                      {*period.to, source.info.timezone})
                      .value_or("infinity");
    return days;
}

Layout owned_source(const std::string &name) {
    Layout source = load_layout(name, pg::Access::read_write);
    if (pg::value("SELECT pg_catalog.pg_has_role($1::oid, 'USAGE')", {source.info.owner}) != "t")
        throw Error("42501", fmt::format("must be owner of source {}", name), {},
                    fmt::format("The source belongs to the owner of {}.", source.facts));
    const pg::RunAs as_extension_owner(pg::extension_owner());
    follow_owners();
    return source;
}

int64_t merge_by_hand(const std::optional<std::string> &name) {
    if (name) {
        const std::string source = source_named(*name, pg::Access::read_write);
        (void)owned_source(source);
        return merge_all_of(source);
    }
    int64_t rows = 0;
    for (const std::string &source : owned_sources()) {
        (void)owned_source(source);
        rows += merge_all_of(source);
    }
    return rows;
}

void check_period(const Period &period) {
    if (period.from && period.to && period.to->microseconds < period.from->microseconds)
        throw Error("22023", "start_at is later than end_at", {},
                    "The period is [start_at, end_at); NULL leaves an end open.");
}

void rebuild(const std::string &text, const Period &period) {
    check_period(period);
    const pg::LocalSettings settings = plain_settings();
    const std::string name = source_named(text, pg::Access::read_write);
    const Layout source = owned_source(name);
    if (source.by_trigger()) mend_triggers(name, source.base);
    lock_for_owner(source);
    (void)mend(source, whole_days(source, period), Method::rewrite);
}

void freeze(const std::string &text, Timestamp before) {
    const pg::LocalSettings settings = plain_settings();
    const std::string name = source_named(text, pg::Access::read_write);
    const Layout source = owned_source(name);
    lock_for_owner(source);
    const std::string frozen = pg::value("SELECT frozen_before FROM kpi.source WHERE name = $1",
                                         {name}, {.see = pg::See::latest})
                                   .value_or("-infinity");
    const std::string day = local_day(source, before);
    const auto today =
        pg::value("SELECT (clock_timestamp() AT TIME ZONE $1)::date", {source.info.timezone});
    if (is_before(today.value_or("infinity"), day))
        throw Error("22023", "cannot freeze days that are not over",
                    fmt::format("Day {} is later than today in {}.", day, source.info.timezone));
    if (is_before(frozen, day)) {
        for (const DirtyMark &mark : seen_marks(name))
            if (is_before(mark.days.from, day)) (void)mend(source, {.to = day}, Method::either);
        (void)merge_all_of(name);
    } else if (is_before(day, frozen)) {
        add_mark(name, {day, frozen}, "kpi.freeze with an earlier date");
    }
    const pg::RunAs as_extension_owner(pg::extension_owner());
    pg::execute("UPDATE kpi.source SET frozen_before = $2::date WHERE name = $1", {name, day},
                {.see = pg::See::latest});
}

}  // namespace kpi::engine
