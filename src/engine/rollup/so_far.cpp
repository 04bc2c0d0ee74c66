#include "engine/rollup/so_far.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/calendar.hpp"
#include "core/expected_weeks.hpp"
#include "engine/rollup/dirty_marks.hpp"
#include "engine/rollup/grouping.hpp"
#include "engine/rollup/mutex.hpp"
#include "engine/rollup/settings.hpp"
#include "pg/clock.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

// Readers look at the facts since the last of these moments; the kept rows are written anew at
// each.
constexpr int64_t kEvery = 10 * kHour / 60;
// Full segments of all the days together; beyond it only coarser levels are kept.
constexpr int64_t kMostSegments = 50000;
constexpr Timestamp kFromScratch{INT64_MIN};

// A past day, the hour of the instant and the instant up to which its sums go.
struct PastDay {
    Date day;
    Timestamp cut, until;
    Timestamp base = kFromScratch;  // the older sums that the new ones go on from
};

std::vector<PastDay> past_days(const SourceInfo &source, Timestamp now) {
    const Zone zone = pg::zone(source.timezone);
    const Date first = std::max(parse_date(source.hours_from), parse_date(source.frozen_before));
    const Bucket today = bucket_at(Grain::day, now, zone);
    std::vector<PastDay> out;
    for (int week = 1; week <= kExpectedWeeks; ++week) {
        const HourSpan last = so_far(today, now, week, zone).hours.back();
        if (last.day >= first) out.push_back({last.day, last.cut, last.until});
    }
    return out;
}

std::string segment_count(const Layout &source) {
    return fmt::format(
        "SELECT count(*) FROM (SELECT FROM {} WHERE level = {} AND day = ANY ($1::date[]) LIMIT "
        "{}) s",
        source.day, source.info.full_level(), kMostSegments + 1);
}

std::vector<int32_t> kept_levels(const Layout &source, const std::vector<std::string> &days) {
    const int full = source.info.full_level();
    std::vector<int32_t> out;
    for (const int level : source.levels())
        if (level <= full) out.push_back(level);  // not those of counted measures
    const auto count = pg::value(segment_count(source), {days}, {.see = pg::See::latest});
    if (std::stoll(count.value_or("0")) > kMostSegments) std::erase(out, full);
    return out;
}

// The columns of a full segment in level l.
std::string level_dims(const Layout &source) {
    std::string out;
    for (size_t i = 0; i < source.width(); ++i)
        out += fmt::format(", CASE WHEN l.level >> {} & 1 = 1 THEN f.d{} END", i, i + 1);
    for (size_t i = 0; i < source.info.kept.size(); ++i) out += ", NULL";
    return out;
}

// $1 days, $2 bases, $3 cuts, $4 instants: those whose sums are to be made; $5 levels; $6 parts of
// days to read from the facts view; $7 days that stay as they are. A day with deltas has none until
// they are merged.
std::string statement(const Layout &source) {
    const std::string is_sum = source.info.holds_sums("f.");
    return fmt::format(
        R"(
WITH wanted AS MATERIALIZED (
  SELECT w.day::date AS day, w.base, w.cut, w.until
    FROM unnest($1, $2, $3, $4) w (day, base, cut, until)
   WHERE NOT EXISTS (SELECT FROM {delta} d WHERE d.day = w.day::date)),
gone AS (DELETE FROM {so_far} WHERE day <> ALL ($7::date[]) RETURNING *),
known AS (
  SELECT g.level, w.day, w.until, g.n{g_dims}{g_sums}
    FROM gone g JOIN wanted w ON w.day = g.day AND w.base = g.hour WHERE g.level = ANY ($5)
  UNION ALL
  SELECT r.level, w.day, w.until, r.n{r_dims}{r_sums}
    FROM wanted w JOIN {hour} r ON r.day = w.day AND r.hour < w.cut AND r.level = ANY ($5)
   WHERE w.base = '-infinity'
  UNION ALL
  SELECT l.level::int2, w.day, w.until, f.n::int8{f_dims}{f_sums}
    FROM kpi._facts_between((SELECT d FROM {delta} d LIMIT 0), $6::tstzmultirange) f
    JOIN wanted w ON w.day = f.day CROSS JOIN unnest($5) l (level){where_sums})
INSERT INTO {so_far} (level, day, hour, n{dims}{columns})
SELECT level, day, until, n{dims}{columns}
  FROM (SELECT level, day, until{dims}, {summed} FROM known GROUP BY level, day, until{dims}) s
 WHERE NOT {is_void} ORDER BY level, day, {hash})",
        fmt::arg("delta", source.delta), fmt::arg("so_far", source.so_far),
        fmt::arg("hour", source.hour), fmt::arg("g_dims", source.more_dims("g.")),
        fmt::arg("g_sums", source.each_sum("g.{0}")), fmt::arg("r_dims", source.more_dims("r.")),
        fmt::arg("r_sums", source.each_sum("r.{0}")), fmt::arg("f_dims", level_dims(source)),
        fmt::arg("f_sums", source.each_sum("f.{0}")),
        fmt::arg("where_sums", is_sum.empty() ? "" : " WHERE " + is_sum),
        fmt::arg("dims", source.more_dims()), fmt::arg("columns", source.each_sum("{0}")),
        fmt::arg("summed", summed(source)), fmt::arg("is_void", is_void(source, "")),
        fmt::arg("hash", source.segment_hash("")));
}

// What is kept now, by day: up to when, and whether with full segments.
Table kept_now(const Layout &source) {
    return pg::query(
        fmt::format("SELECT s.day::text, (extract(epoch FROM s.hour - timestamptz '2000-01-01 "
                    "00:00+00') * 1000000)::int8, EXISTS (SELECT FROM {0} f WHERE f.level = {1} "
                    "AND f.day = s.day AND f.hour = s.hour) FROM {0} s WHERE s.level = 0",
                    source.so_far, source.info.full_level()),
        {}, {.see = pg::See::latest});
}

struct Work {
    std::vector<std::string> days, staying;
    std::vector<Timestamp> bases, cuts, instants;
    std::string facts;  // tstzmultirange, without braces

    void add(const PastDay &past) {
        days.push_back(iso(past.day));
        bases.push_back(past.base);
        cuts.push_back(past.cut);
        instants.push_back(past.until);
        const Timestamp since = std::max(past.base, past.cut);
        if (since < past.until)
            facts += fmt::format("{}[\"{}\",\"{}\")", facts.empty() ? "" : ",", iso(since),
                                 iso(past.until));
    }
};

}  // namespace

void forget_so_far(const Layout &source, const DayRange &days) {
    pg::execute(fmt::format("DELETE FROM {} WHERE {}", source.so_far, within(days)), {},
                {.see = pg::See::latest});
}

bool touches_past(const Progress &merged) {
    if (merged.rows == 0) return false;
    const int64_t today = pg::snapshot_time().microseconds / kDay;
    const std::string young = iso(Date{int32_t(today) - kYoungDays});
    return merged.days.empty() || std::any_of(merged.days.begin(), merged.days.end(),
                                              [&](const std::string &day) { return day <= young; });
}

void forget_so_far(const Layout &source, const Progress &merged) {
    if (!touches_past(merged)) return;
    if (merged.days.empty()) return forget_so_far(source, DayRange{});
    pg::execute(fmt::format("DELETE FROM {} WHERE day = ANY ($1::date[])", source.so_far),
                {merged.days}, {.see = pg::See::latest});
}

Progress keep_so_far(const std::string &name) {
    const pg::LocalSettings settings = facts_settings();
    const Layout source = load_layout(name, pg::Access::read_write);
    if (!source.by_trigger()) return {};
    if (!lock_source({source.base, source.info.facts, source.delta_id}, Wait::no))
        return {.busy = true};
    // Facts and rollups differ until the repair, which would take away what is made now.
    if (!seen_marks(name).empty()) return {};
    const Timestamp now{pg::snapshot_time().microseconds / kEvery * kEvery};
    std::vector<PastDay> past = past_days(source.info, now);
    std::vector<std::string> days;
    days.reserve(past.size());
    for (const PastDay &day : past) days.push_back(iso(day.day));
    const pg::RunAs as_owner(source.info.owner, pg::Restriction::code);
    const std::vector<int32_t> levels = kept_levels(source, days);
    const bool with_full =
        std::find(levels.begin(), levels.end(), source.info.full_level()) != levels.end();
    Work work;
    const Table kept = kept_now(source);
    for (PastDay &day : past) {
        for (const Row &row : kept.rows) {
            const Timestamp until{std::stoll(*row[1])};
            if (*row[0] == iso(day.day) && until <= day.until && (row[2] == "t") == with_full)
                day.base = until;
        }
        if (day.base == day.until)
            work.staying.push_back(iso(day.day));
        else
            work.add(day);
    }
    if (work.days.empty()) return {};
    pg::execute(statement(source),
                {work.days, work.bases, work.cuts, work.instants, levels, "{" + work.facts + "}",
                 work.staying},
                {.see = pg::See::latest});
    return {};
}

}  // namespace kpi::engine
