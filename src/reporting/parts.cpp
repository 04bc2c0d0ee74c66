#include "reporting/parts.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"
#include "reporting/currencies.hpp"

namespace kpi::reporting {
namespace {

constexpr pg::Options kSnapshot{.access = pg::Access::read_only};

}  // namespace

report::Severity severity(const std::string &word) {
    if (word == "critical") return report::Severity::critical;
    return word == "warning" ? report::Severity::warning : report::Severity::info;
}

report::Phrase phrase(std::string_view key) { return {std::string(key), {}}; }

report::Document heading(const Edition &edition, std::string_view title) {
    report::Document out;
    out.name = edition.name;
    if (edition.name == name(edition.kind))
        out.title = phrase(title);
    else
        out.title = edition.name;
    out.environment =
        pg::value("SELECT pg_catalog.current_setting('kpi.environment', true)", {}, kSnapshot)
            .value_or("");
    out.language = report::parse_language(edition.language);
    out.period = {edition.from, edition.to};
    out.as_of = edition.to;
    out.zone = zone();
    return out;
}

report::Document begin(const Edition &edition, const Scope &scope, std::string_view title) {
    report::Document out = heading(edition, title);
    if (const std::string only = filter_words(scope.filters); !only.empty())
        out.only = report::Phrase{"only", {{"segments", only}}};
    if (!scope.title.empty()) out.title = scope.title;
    describe(scope, out);
    say_currencies(scope, edition.from, edition.to, out);
    return out;
}

report::Chart chart(const std::string &metric, const Series &series, report::Scale scale) {
    report::Chart out;
    out.title = titled(metric);
    out.metric = metric;
    out.scale = scale;
    const std::vector<Cell> &values = series.values.at(metric);
    for (size_t i = 0; i < series.buckets.size(); ++i) {
        report::Point point;
        point.day = series.buckets[i];
        point.value = values[i];
        out.points.push_back(std::move(point));
    }
    return out;
}

report::Table data(const Scope &scope, const Series &series) {
    std::vector<report::Column> columns = {{"day", phrase("day"), report::Type::date, {}}};
    for (const Scope::Column &column : scope.columns)
        columns.push_back({column.title, column.title, report::Type::number, {}});
    report::Table out(std::move(columns));
    for (size_t i = 0; i < series.buckets.size(); ++i) {
        out.add(iso(series.buckets[i]));
        for (const Scope::Column &column : scope.columns)
            out.add(column.metric.empty() ? Cell() : series.values.at(column.metric)[i]);
    }
    return out;
}

report::Section incidents(Date from, Date to) {
    const ObjectId reader = pg::current_role();
    const std::string here = zone();
    // A job runs where row security must not choose the rows.
    const pg::RunAs as_extension_owner(pg::extension_owner(), pg::Restriction::identity);
    report::Events events;
    events.none = phrase("incidents_none");
    for (const Row &row : pg::query(R"(
            WITH period AS (SELECT $1::pg_catalog.timestamp AT TIME ZONE $3 AS began, $2::pg_catalog.timestamp AT TIME ZONE $3 AS ended)
            SELECT i.severity, coalesce(i.rule, i.fingerprint),
                   (SELECT pg_catalog.string_agg(coalesce(s.value, '–'), '/' ORDER BY s.key) FROM pg_catalog.jsonb_each_text(i.segment) s),
                   (extract(epoch FROM i.fired_at AT TIME ZONE $3) * 1000000)::pg_catalog.int8 - 946684800000000,
                   CASE WHEN i.resolved_at < p.ended THEN (extract(epoch FROM i.resolved_at AT TIME ZONE $3) * 1000000)::pg_catalog.int8 - 946684800000000 END,
                   extract(epoch FROM i.resolved_at - i.fired_at)::pg_catalog.int8
              FROM kpi.incident i CROSS JOIN period p
             WHERE kpi._may_run($4, i.role) AND i.fired_at < p.ended AND (i.resolved_at IS NULL OR i.resolved_at >= p.began) AND i.parent IS NULL
             ORDER BY i.fired_at, i.fingerprint)",
                                    {from, to + 1, here, reader}, kSnapshot)
                              .rows) {
        report::Event event;
        event.severity = severity(*row[0]);
        event.title = row[2] ? *row[1] + " " + *row[2] : *row[1];
        event.began = {std::stoll(*row[3])};
        if (row[4]) event.ended = Local{std::stoll(*row[4])};
        if (row[4]) event.lasted = report::Seconds{std::stoll(*row[5])};
        events.events.push_back(std::move(event));
    }
    return {"incidents", phrase("incidents"), {std::move(events)}};
}

std::string zone() {
    return pg::value(
               "SELECT timezone FROM kpi.source GROUP BY timezone ORDER BY pg_catalog.count(*) "
               "DESC, timezone COLLATE \"C\" LIMIT 1",
               {}, kSnapshot)
        .value_or("UTC");
}

Date yesterday() {
    return parse_date(*pg::value(
        "SELECT (pg_catalog.clock_timestamp() AT TIME ZONE $1)::pg_catalog.date - 1", {zone()}));
}

std::string headline_metric(const Scope &scope, const std::map<std::string, Total> &totals) {
    const auto found =
        std::find_if(scope.metrics.begin(), scope.metrics.end(), [&](const std::string &metric) {
            const auto total = totals.find(metric);
            return total != totals.end() && total->second.adds_up;
        });
    return found == scope.metrics.end() ? scope.metrics.front() : *found;
}

}  // namespace kpi::reporting
