#include "reporting/digest.hpp"

#include <algorithm>

#include "pg/sql.hpp"
#include "reporting/make.hpp"
#include "reporting/parts.hpp"

namespace kpi::reporting {
namespace {

constexpr pg::Options kSnapshot{.access = pg::Access::read_only};

void add_today(report::Document &document, const Scope &scope) {
    const Table today = pg::query(R"(
        SELECT q.metric, pg_catalog.trim_scale(pg_catalog.round(q.value, 10)), pg_catalog.trim_scale(pg_catalog.round(q.expected_so_far, 10)),
               q.day, (extract(epoch FROM q.as_of AT TIME ZONE $3) * 1000000)::pg_catalog.int8 - 946684800000000,
               pg_catalog.round((100 * q.elapsed_fraction)::pg_catalog.numeric)
          FROM kpi.query($1, 'today', filters => $2, max_rows => NULL) q)",
                                  {scope.metrics, Json{scope.filters}, document.zone}, kSnapshot);
    for (const Row &row : today.rows) {
        const auto figure =
            std::find_if(document.figures.begin(), document.figures.end(),
                         [&](const report::Figure &one) { return one.metric == *row[0]; });
        if (figure == document.figures.end() || !row[1]) continue;
        figure->pace = report::Pace{*row[1], row[2], {}};
        if (document.open) continue;
        const Date day = parse_date(*row[3]);
        document.open = report::OpenPeriod{{day, day}, {std::stoll(*row[4])}, *row[5]};
    }
}

void add_quality(report::Document &document) {
    const Row row = pg::query(
                        "SELECT pg_catalog.count(*) FILTER (WHERE s.state IN ('failing', "
                        "'error')), pg_catalog.count(*) FROM kpi.check_status s WHERE s.enabled",
                        {}, kSnapshot)
                        .rows[0];
    if (row[1] == "0") return;
    if (row[0] == "0")
        document.sections.push_back(
            {"quality", phrase("data_quality"), {report::Text(phrase("checks_passing"))}});
    else
        document.notes.emplace_back(
            report::Phrase{"checks_failing", {{"count", int64_t(std::stoll(*row[0]))}}});
}

void add_open_incidents(report::Document &document) {
    report::Events events;
    events.none = phrase("incidents_none");
    for (const Row &row : pg::query(R"(
            SELECT i.severity, i.title, (extract(epoch FROM i.fired_at AT TIME ZONE $1) * 1000000)::pg_catalog.int8 - 946684800000000, coalesce(i.assignee, '')
              FROM kpi.open_incident i
             ORDER BY pg_catalog.array_position('{critical,warning,info}', i.severity), i.fired_at, i.id LIMIT 10)",
                                    {document.zone}, kSnapshot)
                              .rows) {
        report::Event event;
        event.severity = severity(*row[0]);
        event.title = *row[1];
        event.began = {std::stoll(*row[2])};
        event.owner = *row[3];
        events.events.push_back(std::move(event));
    }
    document.sections.push_back({"incidents", phrase("incidents"), {std::move(events)}});
}

}  // namespace

report::Document digest(const Edition &edition, const Scope &scope) {
    Edition words = edition;
    words.format = "text";
    report::Document out = contents(words, scope);
    out.sections.clear();
    out.definitions.clear();
    if (edition.kind == Kind::daily) add_today(out, scope);
    add_open_incidents(out);
    add_quality(out);
    return out;
}

}  // namespace kpi::reporting
