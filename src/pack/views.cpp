#include "pack/views.hpp"

#include <fmt/format.h>

#include "pg/sql.hpp"

namespace kpi::pack {
namespace {

constexpr int kDays = 120;  // of mv_kpi_daily and mv_kpi_daily_segment

std::string text_of(const Column &column) {
    const std::string name = pg::quote(column.name);
    return column.type == "text" ? name : name + "::text";
}

std::string dimension(const std::optional<Column> &column) {
    return column ? fmt::format("coalesce(nullif({}, ''), 'unknown')", text_of(*column))
                  : "'unknown'::text";
}

// Binary floats are no measure: their sums depend on the order of the rows.
std::string exact(const Column &column) {
    const std::string name = pg::quote(column.name);
    const bool is_float = column.type == "real" || column.type == "double precision";
    return is_float ? name + "::numeric" : name;
}

std::string head(const SalesTable &table) {
    return fmt::format("SELECT {} AS at, {} AS country, {} AS source", pg::quote(table.time.name),
                       dimension(table.country), dimension(table.source));
}

std::vector<std::string> measures(const Parts &parts) {
    std::vector<std::string> names;
    if (parts.leads) names.emplace_back("leads");
    if (parts.payments)
        for (const char *name : {"payments", "payments_succeeded", "revenue"})
            names.emplace_back(name);
    return names;
}

std::vector<std::string> all_metrics(const Parts &parts) {
    std::vector<std::string> names = measures(parts);
    for (const NewMetric &metric : metrics(parts))
        if (metric.good == "up") names.push_back(metric.name);
    return names;
}

std::string asked(const Parts &parts) {
    return fmt::format("{{{}}}", fmt::join(all_metrics(parts), ","));
}

MaterializedView daily(const Parts &parts) {
    std::string columns;
    for (const std::string &metric : all_metrics(parts))
        columns += fmt::format(",\n       max(value) FILTER (WHERE metric = '{0}') AS {0}", metric);
    return {"mv_kpi_daily",
            fmt::format("SELECT day{},\n       bool_and(is_complete) AS is_complete\n"
                        "  FROM kpi.query('{}', '{}d', max_rows => 100000)\n GROUP BY day",
                        columns, asked(parts), kDays),
            "day", fmt::format("The last {} days, one row a day", kDays)};
}

MaterializedView timeseries(const Parts &parts) {
    return {
        "mv_kpi_timeseries_90d",
        fmt::format("SELECT day, metric, value, compared AS week_before, is_complete\n"
                    "  FROM kpi.query('{}', '90d', compare => 'same_weekday', max_rows => 100000)",
                    asked(parts)),
        "metric, day",
        "The last 90 days, one row a metric and day, beside the same weekday a week before"};
}

MaterializedView daily_segment(const Parts &parts, const std::string &zone) {
    const std::string today = fmt::format("(now() AT TIME ZONE {})::date", pg::literal(zone));
    const std::string recent = fmt::format("WHERE day > {0} - {1} AND day <= {0}", today, kDays);
    const char *leads = "coalesce(l.leads, 0) AS leads";
    const char *payments =
        "coalesce(p.payments, 0) AS payments, coalesce(p.payments_succeeded, 0) AS "
        "payments_succeeded, coalesce(p.revenue, 0) AS revenue";
    const char *rates =
        "100.0 * p.payments_succeeded / nullif(p.payments, 0) AS payments_success_rate";
    // Added up: the sources may have dimensions beside these two.
    const auto added = [&](const char *source, const char *sums) {
        return fmt::format(
            "(SELECT day, country, source, {} FROM kpi_data.{}_daily {} GROUP BY 1, 2, 3)", sums,
            source, recent);
    };
    const std::string l = added("leads", "sum(leads) AS leads") + " l";
    const std::string p =
        added("payments",
              "sum(payments) AS payments, sum(payments_succeeded) AS payments_succeeded, "
              "sum(revenue) AS revenue") +
        " p";
    std::string sql = "SELECT day, country, source";
    if (parts.leads) sql += fmt::format(",\n       {}", leads);
    if (parts.payments) sql += fmt::format(",\n       {}", payments);
    if (parts.leads && parts.payments)
        sql +=
            ",\n       100.0 * coalesce(p.payments_succeeded, 0) / nullif(l.leads, 0) AS "
            "conversion_pct";
    if (parts.payments) sql += fmt::format(",\n       {}", rates);
    sql += "\n  FROM " + (parts.leads ? l : p);
    if (parts.leads && parts.payments)
        sql += "\n  FULL JOIN " + p + " USING (day, country, source)";
    return {
        "mv_kpi_daily_segment", sql, "day, country, source",
        fmt::format("The last {} days by country and source; segments with an event only", kDays)};
}

}  // namespace

std::string lead_facts_sql(const SalesTable &leads) {
    return fmt::format(
        "{}{}, 1 AS leads FROM {}", head(leads),
        leads.priority ? fmt::format(", {} AS priority", dimension(leads.priority)) : std::string(),
        leads.table);
}

std::string payment_facts_sql(const SalesTable &payments, const std::vector<std::string> &succeeded,
                              const std::optional<std::string> &currency) {
    std::string words;
    for (const std::string &word : succeeded)
        words += (words.empty() ? "" : ", ") + pg::literal(word);
    const std::string is_paid = fmt::format("{} IN ({})", text_of(payments.status), words);
    std::string counts = is_paid, dimensions, others;
    if (currency) {
        const std::string of = fmt::format("coalesce({}, '')", text_of(*payments.currency));
        counts += fmt::format(" AND {} = {}", of, pg::literal(*currency));
        others =
            fmt::format(", CASE WHEN {} AND {} <> {} THEN 1 ELSE 0 END AS payments_other_currency",
                        is_paid, of, pg::literal(*currency));
    } else if (payments.currency) {
        dimensions = fmt::format(", {} AS currency", dimension(payments.currency));
    }
    return fmt::format(
        "{}{}, 1 AS payments, CASE WHEN {} THEN 1 ELSE 0 END AS payments_succeeded, "
        "CASE WHEN {} AND {} IS NULL THEN 1 ELSE 0 END AS payments_without_amount, "
        "CASE WHEN {} THEN {} ELSE 0 END AS revenue{} FROM {}",
        head(payments), dimensions, is_paid, is_paid, pg::quote(payments.amount.name), counts,
        exact(payments.amount), others, payments.table);
}

std::vector<std::string> lead_dimensions(const SalesTable &leads) {
    std::vector<std::string> names{"country", "source"};
    if (leads.priority) names.emplace_back("priority");
    return names;
}

std::vector<std::string> payment_dimensions(const SalesTable &payments,
                                            const std::optional<std::string> &currency) {
    std::vector<std::string> names{"country", "source"};
    if (payments.currency && !currency) names.emplace_back("currency");
    return names;
}

std::vector<NewMetric> metrics(const Parts &parts) {
    std::vector<NewMetric> out;
    if (parts.leads && parts.payments)
        out.push_back({"conversion_pct", "100.0 * payments_succeeded / leads", "%",
                       "Successful payments for 100 leads of the same period"});
    if (parts.payments) {
        out.push_back({"payments_success_rate", "100.0 * payments_succeeded / payments", "%",
                       "Share of the payments that succeeded"});
        out.push_back({"revenue_null_pct", "100.0 * payments_without_amount / payments_succeeded",
                       "%", "Share of the successful payments that have no amount", "down", 5});
    }
    return out;
}

std::vector<MaterializedView> materialized_views(const Parts &parts, const std::string &zone) {
    return {daily(parts), timeseries(parts), daily_segment(parts, zone)};
}

}  // namespace kpi::pack
