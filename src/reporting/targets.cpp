#include "reporting/targets.hpp"

#include <fmt/format.h>

#include "pg/lock.hpp"
#include "pg/sql.hpp"
#include "report/numbers.hpp"

namespace kpi::reporting {
namespace {

constexpr pg::Options kSnapshot{.access = pg::Access::read_only};
constexpr int kUsual = 56;  // days before a target that say how weekdays differ

}  // namespace

Targets::Targets(const Scope &scope, const std::string &metric, bool adds_up, Date from, Date to)
    : scope_(scope), metric_(metric), adds_up_(adds_up) {
    {
        // Whoever may read the metric is told of its target.
        const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
        for (const Row &row :
             pg::query("SELECT first_day, last_day, pg_catalog.trim_scale(value) FROM kpi.target "
                       "WHERE metric = $1 AND segment = $2 AND first_day <= $4 AND last_day >= $3 "
                       "ORDER BY first_day",
                       {metric, Json{scope.filters}, from, to}, kSnapshot)
                 .rows)
            targets_.push_back({parse_date(*row[0]), parse_date(*row[1]), row[2]});
    }
    for (const Going &target : targets_) share_out(target);
}

void Targets::share_out(const Going &target) {
    if (!adds_up_) {
        for (Date day = target.first; day <= target.last; day = day + 1)
            days_[day.days] = *target.value;
        return;
    }
    const Table days = pg::query(
        R"(
        WITH usual AS MATERIALIZED (
            SELECT extract(isodow FROM q.day) AS weekday, pg_catalog.avg(q.value) AS value
              FROM kpi.query(ARRAY[$1], $2, $3, filters => $4, max_rows => NULL, expected => false) q GROUP BY 1),
        fit AS (SELECT coalesce(pg_catalog.min(value) >= 0 AND pg_catalog.sum(value) > 0 AND pg_catalog.sum(value) < 'Infinity', false) AS good FROM usual),
        day AS (SELECT d::pg_catalog.date AS day, CASE WHEN fit.good THEN coalesce(u.value, 0) ELSE 1 END AS weight
                  FROM fit CROSS JOIN pg_catalog.generate_series($5::pg_catalog.timestamp, $6::pg_catalog.timestamp, interval '1 day') d
                  LEFT JOIN usual u ON u.weekday = extract(isodow FROM d)),
        whole AS (SELECT pg_catalog.sum(weight) AS weight, pg_catalog.count(*) AS days FROM day)
        SELECT d.day, pg_catalog.round(CASE WHEN w.weight > 0 THEN $7::pg_catalog.numeric * d.weight / w.weight ELSE $7::pg_catalog.numeric / w.days END, 10)
          FROM day d CROSS JOIN whole w ORDER BY d.day)",
        {metric_, iso(target.first + -kUsual), iso(target.first + -1), Json{scope_.filters},
         target.first, target.last, *target.value},
        kSnapshot);
    for (const Row &row : days.rows) days_[parse_date(*row[0]).days] = *row[1];
}

Cell Targets::sum(Date first, Date last) const {
    std::vector<std::string> values;
    for (Date day = first; day <= last; day = day + 1)
        if (const auto found = days_.find(day.days); found != days_.end())
            values.push_back(found->second);
    return pg::value(
        "SELECT pg_catalog.trim_scale(pg_catalog.round(pg_catalog.sum(x::pg_catalog.numeric), 8)) "
        "FROM pg_catalog.unnest($1::pg_catalog.text[]) x",
        {values}, kSnapshot);
}

Cell Targets::of(Date first, Date last) const {
    for (Date day = first; day <= last; day = day + 1)
        if (days_.find(day.days) == days_.end()) return std::nullopt;
    if (!adds_up_) return days_.at(last.days);
    return sum(first, last);
}

void Targets::draw(report::Chart &chart) const {
    for (report::Point &point : chart.points)
        point.target = chart.scale == report::Scale::month
                           ? of(point.day, add_months(point.day, 1) + -1)
                           : of(point.day, point.day);
}

void Targets::say_pace(report::Document &document, Date day) const {
    if (!adds_up_) return;
    const report::Format &format = report::metric_of(document, metric_).format;
    for (const Going &target : targets_) {
        if (day < target.first || target.last <= day) continue;
        const Cell value = pg::value(
            "SELECT pg_catalog.trim_scale(pg_catalog.round(q.value, 10)) FROM kpi.query(ARRAY[$1], "
            "$2, $3, filters => $4, grain => 'total', max_rows => NULL, expected => false) q",
            {metric_, iso(target.first), iso(day), Json{scope_.filters}}, kSnapshot);
        const Cell due = sum(target.first, day);
        const Cell share = value && due
                               ? pg::value(
                                     "SELECT pg_catalog.round(100 * $1::pg_catalog.numeric / "
                                     "nullif($2::pg_catalog.numeric, 0), 1)",
                                     {*value, *due}, kSnapshot)
                               : std::nullopt;
        if (!share) continue;
        document.summary.emplace_back(
            report::Phrase{"target_pace",
                           {{"metric", titled(metric_)},
                            {"period", report::Period{target.first, target.last}},
                            {"value", report::Amount{*value, format}},
                            {"share", report::Amount{*share, report::percent_format()}},
                            {"day", day},
                            {"due", report::Amount{*due, report::like(format, *target.value)}},
                            {"target", report::Amount{*target.value, format}}}});
    }
}

void add_targets(const Scope &scope, const std::map<std::string, Total> &totals, Date first,
                 Date last, report::Document &document) {
    for (report::Figure &figure : document.figures) {
        const Targets targets(scope, figure.metric, totals.at(figure.metric).adds_up, first, last);
        if (const Cell value = targets.of(document.period.first, document.period.last))
            figure.target = report::Target{*value, {}};
        targets.say_pace(document, document.period.last);
        for (report::Section &section : document.sections)
            for (report::Block &block : section.blocks)
                if (auto *chart = std::get_if<report::Chart>(&block);
                    chart != nullptr && chart->metric == figure.metric)
                    targets.draw(*chart);
    }
}

}  // namespace kpi::reporting
