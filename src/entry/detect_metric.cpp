// Detection over tracked metrics: kpi.anomalies, kpi.forecast, kpi.explain.
#include "detect/forecast.hpp"
#include "detect/open_share.hpp"
#include "detect/request.hpp"
#include "monitor/detect.hpp"
#include "monitor/explain.hpp"
#include "monitor/metric_series.hpp"
#include "pg/function.hpp"
#include "pg/guard.hpp"

namespace {

using kpi::pg::optional_text;
using kpi::pg::text_argument;

constexpr int64_t kMicrosPerDay = 86400 * INT64CONST(1000000);

std::optional<double> optional_number(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    return PG_GETARG_FLOAT8(index);
}

// Days and hours are those of the metric's source while the function runs.
std::vector<std::pair<const char *, std::string>> zone_settings(const std::string &metric) {
    const auto zone = kpi::monitor::zone_of(metric);
    if (!zone) return {};
    return {{"timezone", *zone}};
}

kpi::ObjectId calendar() {
    return {static_cast<uint32_t>(
        std::stoul(*kpi::pg::value("SELECT 'kpi.event_day'::pg_catalog.regclass::pg_catalog.oid",
                                   {}, {.access = kpi::pg::Access::read_only})))};
}

struct Series {
    std::string segment;
    kpi::detect::State state;
    int64_t last_at = 0;
};

void append_outlook(kpi::pg::ResultSet &result, const Series &s, int horizon, double coverage,
                    kpi::detect::Frequency grain) {
    if (!s.state.started) return;
    int64_t at = s.last_at;
    for (const auto &o : kpi::detect::forecast(s.state, horizon, coverage)) {
        at = kpi::pg::call([&] {
            Interval step{};
            if (grain == kpi::detect::Frequency::hour)
                step.time = 3600 * INT64CONST(1000000);
            else
                step.day = 1;
            return DatumGetTimestampTz(DirectFunctionCall2(
                timestamptz_pl_interval, TimestampTzGetDatum(at), IntervalPGetDatum(&step)));
        });
        Datum values[] = {kpi::pg::jsonb_datum(s.segment), TimestampTzGetDatum(at),
                          Float8GetDatum(o.expected), Float8GetDatum(o.lower),
                          Float8GetDatum(o.upper)};
        bool nulls[] = {false, false, false, false, false};
        result.append(values, nulls);
    }
}

Datum number_or_null(const std::optional<double> &number, bool &null) {
    null = !number;
    return number ? Float8GetDatum(*number) : Datum{0};
}

}  // namespace

KPI_FUNCTION(open_share) {
    const auto number = [&](int index) {
        return optional_number(fcinfo, index).value_or(kpi::detect::kMissing);
    };
    PG_RETURN_FLOAT8(kpi::detect::open_share({number(0), number(1)}, {number(2), number(3)},
                                             optional_number(fcinfo, 4).value_or(1)));
}

KPI_FUNCTION(anomalies) {
    kpi::pg::ResultSet result(fcinfo);
    const kpi::pg::Spi spi;
    kpi::monitor::MetricRequest m;
    m.metric = text_argument(fcinfo, 0);
    m.start_at = text_argument(fcinfo, 1);
    m.end_at = optional_text(fcinfo, 2);
    m.by = kpi::pg::text_array(fcinfo, 3);
    m.grain = text_argument(fcinfo, 4);
    m.filters = optional_text(fcinfo, 12).value_or("{}");
    const kpi::pg::LocalSettings zone(zone_settings(m.metric));
    kpi::monitor::DetectRequest r;
    const auto first = kpi::monitor::first_bucket(m);
    if (!first) return Datum{0};
    r.since = first->start;
    r.method = text_argument(fcinfo, 5);
    r.threshold = optional_number(fcinfo, 6);
    r.direction = text_argument(fcinfo, 7);
    r.min_history = PG_ARGISNULL(8) ? 28 : PG_GETARG_INT32(8);
    r.partial = text_argument(fcinfo, 9);
    r.fdr = optional_number(fcinfo, 10);
    r.min_impact = optional_number(fcinfo, 11).value_or(0);
    r.grain = m.grain;
    r.calendar = calendar();
    const auto ratio = kpi::monitor::ratio_of(m.metric);
    if (ratio && ratio->is_percent) r.unit = 100;
    if (kpi::monitor::is_level(m.metric)) r.kind = "level";
    using kpi::monitor::Open;
    r.facts =
        kpi::monitor::facts_query(m, first->start, r.partial == "skip" ? Open::drop : Open::keep);
    kpi::monitor::detect(r, result);
    return Datum{0};
}

KPI_FUNCTION(forecast) {
    kpi::pg::ResultSet result(fcinfo);
    const kpi::pg::Spi spi;
    kpi::monitor::MetricRequest m;
    m.metric = text_argument(fcinfo, 0);
    const int horizon = PG_ARGISNULL(1) ? 14 : PG_GETARG_INT32(1);
    m.by = kpi::pg::text_array(fcinfo, 2);
    const double coverage = optional_number(fcinfo, 3).value_or(0.9);
    m.grain = text_argument(fcinfo, 4);
    m.filters = optional_text(fcinfo, 5).value_or("{}");
    if (m.grain != "day" && m.grain != "hour") {
        throw kpi::Error("22023", "a forecast cannot have the grain \"" + m.grain + "\"", {},
                         "Use day or hour.");
    }
    m.start_at = "yesterday";
    const kpi::pg::LocalSettings zone(zone_settings(m.metric));
    const auto first = kpi::monitor::first_bucket(m);
    if (!first) return Datum{0};
    kpi::detect::Request request;
    kpi::detect::set_option(request, "grain", m.grain);
    if (kpi::monitor::is_level(m.metric)) kpi::detect::set_option(request, "kind", "level");
    const bool hourly = request.options.grain == kpi::detect::Frequency::hour;
    const int64_t width = hourly ? kMicrosPerDay / 24 : kMicrosPerDay;
    const auto rows = kpi::pg::query(
        "SELECT segment::pg_catalog.text, (pg_catalog.extract('epoch', at) * "
        "1000000)::pg_catalog.int8 - "
        "946684800000000, (pg_catalog.extract('epoch', at::pg_catalog.timestamp) * "
        "1000000)::pg_catalog.int8, "
        "value, trials FROM (" +
            kpi::monitor::facts_query(m, first->start, kpi::monitor::Open::drop) +
            ") f ORDER BY segment, at",
        {}, {.access = kpi::pg::Access::read_only});
    std::optional<Series> series;
    for (const auto &row : rows.rows) {
        if (!series || series->segment != *row[0]) {
            if (series) append_outlook(result, *series, horizon, coverage, request.options.grain);
            series = Series{*row[0], kpi::detect::make_state(request.options), 0};
        }
        kpi::detect::Point p;
        p.period = std::stoll(*row[2]) / width;
        if (row[3]) p.value = std::stod(*row[3]);
        if (row[4]) p.denominator = std::stod(*row[4]);
        // The hour that a clock set back repeats is no period of its own.
        if (series->state.observed > 0 && p.period <= series->state.last) continue;
        kpi::detect::observe(series->state, p);
        series->last_at = std::stoll(*row[1]);
    }
    if (series) append_outlook(result, *series, horizon, coverage, request.options.grain);
    return Datum{0};
}

KPI_FUNCTION(explain) {
    kpi::pg::ResultSet result(fcinfo);
    const kpi::pg::Spi spi;
    kpi::monitor::ExplainRequest r;
    r.metric = text_argument(fcinfo, 0);
    r.at = text_argument(fcinfo, 1);
    if (!PG_ARGISNULL(2)) r.by = kpi::pg::text_array(fcinfo, 2);
    r.compare = text_argument(fcinfo, 3);
    r.top = PG_ARGISNULL(4) ? 5 : PG_GETARG_INT32(4);
    r.filters = optional_text(fcinfo, 5).value_or("{}");
    r.grain = optional_text(fcinfo, 6).value_or("day");
    int rank = 0;
    for (const auto &e : kpi::monitor::explain(r)) {
        bool nulls[9] = {};
        Datum values[9] = {Int32GetDatum(++rank),
                           kpi::pg::jsonb_datum(e.segment),
                           Float8GetDatum(e.value),
                           Float8GetDatum(e.expected),
                           Float8GetDatum(e.change),
                           number_or_null(e.share, nulls[5]),
                           number_or_null(e.rate_effect, nulls[6]),
                           number_or_null(e.mix_effect, nulls[7]),
                           Datum{0}};
        nulls[8] = e.presence.empty();
        if (!nulls[8]) values[8] = kpi::pg::text_datum(e.presence);
        result.append(values, nulls);
    }
    return Datum{0};
}
