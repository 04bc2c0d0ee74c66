#include "reporting/figures.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "pg/sql.hpp"
#include "reporting/parts.hpp"

namespace kpi::reporting {
namespace {

constexpr pg::Options kSnapshot{.access = pg::Access::read_only};

std::string plain(const std::string &number) {
    return fmt::format("pg_catalog.trim_scale(pg_catalog.round({}, 10))", number);
}

// $1 metrics, $2 filters.
std::string reading(const std::string &from, const std::string &to, const std::string &more = {}) {
    return fmt::format(
        "kpi.query($1, {}, {}, filters => $2, max_rows => NULL, expected => false{})", from, to,
        more);
}

std::string segment_words(const std::string &segment) {
    std::string out;
    const nlohmann::json parsed = nlohmann::json::parse(segment);
    for (const auto &[name, value] : parsed.items()) {
        if (!out.empty()) out += "/";
        const nlohmann::json list = value.is_array() ? value : nlohmann::json::array({value});
        bool first = true;
        for (const nlohmann::json &one : list) {
            if (!first) out += "+";
            first = false;
            out += one.is_string() ? one.get<std::string>() : one.is_null() ? "–" : one.dump();
        }
    }
    return out;
}

}  // namespace

Date last_day(const Scope &scope) {
    if (scope.own) return yesterday();
    return parse_date(*pg::value(
        "SELECT pg_catalog.min(q.day) FROM " + reading("'yesterday'", "'yesterday'") + " q",
        {scope.metrics, Json{scope.filters}}, kSnapshot));
}

void demand_over(const Scope &scope, Date day) {
    const Date last = last_day(scope);
    if (day > last)
        throw Error("22023", fmt::format("{} is not over yet", iso(day)), {},
                    fmt::format("The last day that is over is {}.", iso(last)));
}

void demand_fresh(const Scope &scope) {
    if (scope.own) return;
    // Yesterday began at most 48 hours ago, 49 when the clocks went back.
    const Table stale = pg::query(
        fmt::format("SELECT q.metric, q.day, q.as_of FROM {} q WHERE q.bucket <= "
                    "pg_catalog.clock_timestamp() - interval '49 hours' ORDER BY q.day, q.metric "
                    "COLLATE \"C\" LIMIT 1",
                    reading("'yesterday'", "'yesterday'")),
        {scope.metrics, Json{scope.filters}}, kSnapshot);
    if (stale.empty()) return;
    const Row &row = stale.rows[0];
    throw Error("55000", fmt::format("the numbers of metric \"{}\" end with {}", *row[0], *row[1]),
                fmt::format("A source with window capture was last recomputed at {}.",
                            row[2].value_or("no time")),
                "kpi.status() says what keeps it from being recomputed. A report of an earlier day "
                "is made with as_of.");
}

Series series(const Scope &scope, Date from, Date to, const char *grain) {
    Series out;
    const Table table = pg::query(
        fmt::format("SELECT q.day, q.metric, {} FROM {} q ORDER BY q.day", plain("q.value"),
                    reading("$3", "$4", ", grain => $5")),
        {scope.metrics, Json{scope.filters}, iso(from), iso(to), std::string(grain)}, kSnapshot);
    for (const Row &row : table.rows) {
        const Date bucket = parse_date(*row[0]);
        if (out.buckets.empty() || !(out.buckets.back() == bucket)) out.buckets.push_back(bucket);
        out.values[*row[1]].push_back(row[2]);
    }
    return out;
}

std::map<std::string, Total> totals(const Scope &scope, Date from, Date to, bool is_month) {
    constexpr int kWeeks = 4;
    const int days = to - from + 1;
    const std::string whole = is_month ? ", grain => 'month'" : ", grain => 'total'";
    const std::string other =
        is_month ? "SELECT q.metric, q.compared AS value FROM " +
                       reading("$3", "$4", whole + ", compare => 'year'") + " q"
                 : "SELECT q.metric, q.value FROM " + reading("$5", "$6", whole) + " q";
    // A day alone always is the sum of its days: so the days before are asked too. Distinct counts
    // of days say nothing of a longer period; there is a usual day of them only.
    const std::string all = is_month ? "$3" : "$5";
    const std::string usual =
        is_month ? "o.value"
                 : fmt::format(
                       "CASE WHEN n.adds_up THEN o.value / $7 WHEN n.counted THEN {} ELSE "
                       "o.value END",
                       days == 1 ? "n.mean" : "NULL");
    const std::string sql = fmt::format(
        "WITH period AS MATERIALIZED (SELECT q.metric, q.value, q.compared FROM {} q), "
        "days AS MATERIALIZED (SELECT q.metric, pg_catalog.sum(q.value) AS value, "
        "pg_catalog.count(*) FILTER (WHERE q.value <> 0) AS nonzero, pg_catalog.avg(q.value) "
        "FILTER (WHERE q.day < $3::pg_catalog.date) AS mean FROM {} q GROUP BY q.metric), "
        "whole AS MATERIALIZED (SELECT q.metric, q.value FROM {} q), "
        "other AS MATERIALIZED ({}), "
        "nature AS MATERIALIZED (SELECT d.metric, d.mean, m.measure IS NOT NULL AND s.name IS NULL "
        "AS counted, CASE WHEN m.measure IS NULL THEN d.nonzero > 1 AND d.value = w.value ELSE "
        "s.name IS NOT NULL END AS adds_up FROM days d JOIN whole w USING (metric) JOIN kpi.metric "
        "m ON m.name = d.metric LEFT JOIN kpi.measure s ON s.name = m.measure) "
        "SELECT p.metric, {}, {}, {}, n.adds_up FROM period p JOIN nature n USING (metric) "
        "JOIN other o USING (metric)",
        reading("$3", "$4", whole + ", compare => 'previous'"), reading(all, "$4"),
        reading(all, "$4", whole), other, plain("p.value"), plain("p.compared"), plain(usual));
    Params params = {scope.metrics, Json{scope.filters}, iso(from), iso(to)};
    if (!is_month) {
        // As many weeks before, so that every weekday counts alike.
        const int before = std::max(kWeeks * 7, days);
        params.emplace_back(iso(from + -before));
        params.emplace_back(iso(from + -1));
        params.emplace_back(int64_t(before / days));
    }
    std::map<std::string, Total> out;
    for (const Row &row : pg::query(sql, params, kSnapshot).rows)
        out[*row[0]] = {row[1], row[2], row[3], row[4] == "t"};
    return out;
}

std::vector<std::optional<report::Interval>> expected(const Scope &scope, const std::string &metric,
                                                      Date from, Date to) {
    std::vector<std::optional<report::Interval>> out;
    for (const Row &row :
         pg::query(
             fmt::format("SELECT {}, {} FROM kpi.anomalies($1, $2, $3, filters => $4) a "
                         "ORDER BY a.at",
                         "pg_catalog.trim_scale(pg_catalog.round(a.lower::pg_catalog.numeric, 2))",
                         "pg_catalog.trim_scale(pg_catalog.round(a.upper::pg_catalog.numeric, 2))"),
             {metric, iso(from), iso(to), Json{scope.filters}}, kSnapshot)
             .rows) {
        if (row[0] && row[1])
            out.emplace_back(report::Interval{*row[0], *row[1]});
        else
            out.emplace_back(std::nullopt);
    }
    // A series that is younger than the period has fewer rows.
    const auto days = size_t(to - from + 1);
    if (out.size() < days) out.insert(out.begin(), days - out.size(), std::nullopt);
    return out;
}

std::string filter_words(const std::string &filters) {
    std::string out;
    const nlohmann::json parsed = nlohmann::json::parse(filters);
    for (const auto &[name, value] : parsed.items())
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name,
                           segment_words(nlohmann::json{{name, value}}.dump()));
    return out;
}

std::optional<report::Text> why(const Scope &scope, const std::string &metric, Date day,
                                const report::Format &format) {
    // A counted measure has no parts that add up to it.
    if (dimensions_of(scope, metric).empty() || is_counted(metric)) return std::nullopt;
    const Table found = pg::query(R"(
        SELECT e.segment, pg_catalog.trim_scale(pg_catalog.round(e.change::pg_catalog.numeric, 4)),
               pg_catalog.trim_scale(pg_catalog.round((100 * e.share)::pg_catalog.numeric, 1))
          FROM kpi.explain($1, $2, top => 1, filters => $3) e
         WHERE e.presence IS DISTINCT FROM 'overall' AND e.share IS NOT NULL AND e.change <> 0)",
                                  {metric, iso(day), Json{scope.filters}}, kSnapshot);
    if (found.empty()) return std::nullopt;
    const Row &row = found.rows[0];
    return report::Phrase{"why",
                          {{"segment", segment_words(*row[0])},
                           {"change", report::Amount{*row[1], format}},
                           {"share", report::Amount{*row[2], {report::Style::percent, {}, 0}}}}};
}

report::Ranking ranking(const Scope &scope, const std::string &metric, const std::string &dimension,
                        Date from, Date to) {
    report::Ranking out;
    out.title = titled(dimension);
    out.metric = metric;
    const Table table = pg::query(
        fmt::format("SELECT q.segment, {}, {}, pg_catalog.trim_scale(pg_catalog.round(100 * "
                    "q.share, 1)), q.segment->>$5 = 'others' FROM {} q",
                    plain("q.value"), plain("q.compared"),
                    reading("$3", "$4",
                            ", by => ARRAY[$5]::pg_catalog.name[], grain => 'total', compare => "
                            "'previous', order_by => 'value desc', top => $6::pg_catalog.int4, "
                            "show => '{share}'")),
        {std::vector<std::string>{metric}, Json{scope.filters}, iso(from), iso(to), dimension,
         int64_t(scope.top)},
        kSnapshot);
    for (const Row &row : table.rows) {
        report::Bar bar{segment_words(*row[0]), row[1], row[2], row[3]};
        if (out.bars.size() == size_t(scope.top) && row[4] == "t")
            out.rest = std::move(bar);
        else
            out.bars.push_back(std::move(bar));
    }
    return out;
}

WorkingDays working_days(Date month) {
    const Date before = add_months(month, -1), after = add_months(month, 1);
    const Row row = pg::query(R"(
        WITH holiday AS MATERIALIZED (SELECT DISTINCT e.day FROM kpi.event_day e WHERE e.kind = 'holiday' AND e.scope = '{}'),
        work AS (SELECT d::pg_catalog.date AS day FROM pg_catalog.generate_series($1::pg_catalog.timestamp, $3::pg_catalog.timestamp - interval '1 day', interval '1 day') d
                  WHERE extract(isodow FROM d) < 6 AND d::pg_catalog.date NOT IN (SELECT day FROM holiday))
        SELECT pg_catalog.count(*) FILTER (WHERE day >= $2), pg_catalog.count(*) FILTER (WHERE day < $2), EXISTS (SELECT FROM holiday) FROM work)",
                              {before, month, after}, kSnapshot)
                        .rows[0];
    return {std::stoll(*row[0]), std::stoll(*row[1]), row[2] == "t"};
}

}  // namespace kpi::reporting
