#include "monitor/check/rollup_question.hpp"

#include <fmt/format.h>

#include "engine/registry/source_info.hpp"
#include "engine/registry/tables.hpp"
#include "monitor/due.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

using nlohmann::json;

// Rows of each bucket, merged or not. `since` is the first day. A delta also has rows of the values
// that counted measures keep: they stand for no row of the source.
std::string counted(const Check &check, const char *key, const char *rollup,
                    const std::string &since) {
    const std::string sums = engine::load_source(*check.source, pg::Access::read_only).holds_sums();
    return fmt::format(
        "SELECT {0} AS bucket, sum(n) AS n FROM (SELECT {0}, n FROM {1} WHERE level = 0 AND day >= "
        "{3} UNION ALL SELECT {0}, n FROM {2} WHERE day >= {3}{4}) u GROUP BY 1 HAVING sum(n) > 0",
        key, engine::data_table(*check.source, rollup), engine::data_table(*check.source, "delta"),
        since, sums.empty() ? "" : " AND " + sums);
}

// Days that are not in the rollups as they should be.
bool is_dirty(const Check &check, const std::string &since) {
    return pg::value(
               fmt::format("SELECT 1 FROM kpi.dirty WHERE source = $1 AND \"to\" > {} LIMIT 1",
                           since),
               {*check.source})
        .has_value();
}

std::string today(const Check &check) {
    return fmt::format("(now() AT TIME ZONE {})::date", pg::literal(check.timezone));
}

std::optional<Question> missing_periods(const Check &check, const json &parameters) {
    const bool hours = parameters["grain"] == "hour";
    const auto periods = parameters["periods"].get<int64_t>();
    const auto allowed = parameters["allowed"].get<int64_t>();
    const std::string zone = pg::literal(check.timezone);
    // Closed ones only; hours in the time zone of the source.
    const std::string end =
        hours ? fmt::format("date_trunc('hour', now(), {})", zone) : today(check);
    const std::string begin = hours ? fmt::format("({} - {} * interval '1 hour')", end, periods)
                                    : fmt::format("({} - {})", end, periods);
    const std::string since =
        hours ? fmt::format("(({} AT TIME ZONE {})::date)", begin, zone) : begin;
    if (is_dirty(check, since)) return std::nullopt;
    Question question;
    question.as_owner = false;
    question.read = "rollup";
    // A source that is younger than the window begins with its first row.
    question.sql = fmt::format(
        "WITH have AS ({0}), span AS (SELECT CASE WHEN EXISTS (SELECT FROM {1} WHERE level = 0 AND "
        "day < {2}) THEN {3} ELSE (SELECT min(bucket) FROM have) END AS first), wanted AS (SELECT "
        "b{6} AS bucket FROM span, generate_series(first, {4}, interval '{5}') b WHERE b < {4}) "
        "SELECT count(*), string_agg(bucket::text, ', ' ORDER BY bucket) FILTER (WHERE place <= "
        "5) FROM (SELECT bucket, row_number() OVER (ORDER BY bucket DESC) AS place FROM wanted "
        "WHERE bucket NOT IN (SELECT bucket FROM have)) m",
        counted(check, hours ? "hour" : "day", hours ? "rollup_hour" : "rollup_day", since),
        engine::data_table(*check.source, "rollup_day"), since, begin, end,
        hours ? "1 hour" : "1 day", hours ? "" : "::date");
    const std::string grain = hours ? in_language("hours", "horas") : in_language("days", "días");
    question.judge = [=](const Row &row) -> Finding {
        const int64_t missing = std::stoll(*row[0]);
        return {
            missing > allowed ? CheckState::failing : CheckState::ok, double(missing),
            missing == 0
                ? say("the last {} {} have rows", "los últimos periodos ({} {}) tienen filas",
                      periods, grain)
                : say("{} of the last {} {} have no row, {} allowed: {}{}",
                      "{} de los últimos periodos ({} {}) no tienen filas, se permiten {}: {}{}",
                      missing, periods, grain, allowed, missing > 5 ? "... " : "", *row[1])};
    };
    return question;
}

std::optional<Question> volume(const Check &check, const json &parameters) {
    const auto weeks = parameters["weeks"].get<int64_t>();
    const std::string since = fmt::format("({} - {})", today(check), 7 * weeks + 1);
    if (is_dirty(check, since)) return std::nullopt;
    Question question;
    question.as_owner = false;
    question.read = "rollup";
    // Weeks before the first row say nothing; a day without a row between others counts 0.
    question.sql = fmt::format(
        "WITH have AS ({0}), first AS (SELECT CASE WHEN EXISTS (SELECT FROM {1} WHERE level = 0 "
        "AND day < {2}) THEN {2} ELSE (SELECT min(bucket) FROM have) END AS day), past AS (SELECT "
        "coalesce(h.n, 0) AS n FROM first f, generate_series(1, {3}) w LEFT JOIN have h ON "
        "h.bucket = {4} - 1 - 7 * w WHERE {4} - 1 - 7 * w >= f.day) "
        "SELECT coalesce((SELECT n FROM have WHERE bucket = {4} - 1), 0), (SELECT count(*) FROM "
        "past), (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY n::float8) FROM past), {4} - 1",
        counted(check, "day", "rollup_day", since), engine::data_table(*check.source, "rollup_day"),
        since, weeks, today(check));
    question.judge = [parameters](const Row &row) -> Finding {
        if (std::stoll(*row[1]) < 2 || std::stod(*row[2]) == 0)
            return {
                CheckState::ok,
                {},
                in_language("too few weeks to compare with", "muy pocas semanas con que comparar")};
        const double ratio = std::stod(*row[0]) / std::stod(*row[2]);
        const bool high = parameters.contains("max_ratio") && ratio > parameters["max_ratio"];
        return {ratio < parameters["min_ratio"] || high ? CheckState::failing : CheckState::ok,
                ratio,
                say("{} has {} rows, {:.2f} times the {:g} usual for its weekday",
                    "{} tiene {} filas, {:.2f} veces las {:g} habituales de su día de la semana",
                    *row[3], *row[0], ratio, std::stod(*row[2]))};
    };
    return question;
}

// The last closed day, and days before it by chance.
Question drift(const Check &check, const json &parameters) {
    const Table days = pg::query(
        fmt::format("(SELECT {0} - 1) UNION (SELECT day FROM (SELECT DISTINCT day FROM {1} WHERE "
                    "level = 0 AND day < {0} - 1) d ORDER BY pg_catalog.random() LIMIT $1)",
                    today(check), engine::data_table(*check.source, "rollup_day")),
        {parameters["days"].get<int64_t>()});
    std::string list;
    for (const Row &row : days.rows)
        list += (list.empty() ? "" : ", ") + pg::literal(*row[0]) + "::date";
    Question question;
    question.read = "sample";
    const std::string midnight =
        fmt::format("d::timestamp AT TIME ZONE {}", pg::literal(check.timezone));
    question.rows_sql = fmt::format(
        "SELECT v.* FROM unnest(ARRAY[{}]) d, kpi.verify({}, {}, {} + interval '1 second') v", list,
        pg::literal(*check.source), midnight, midnight);
    question.sql = fmt::format("SELECT count(*) FROM ({}) x", question.rows_sql);
    const size_t compared = days.rows.size();
    question.judge = [compared](const Row &row) -> Finding {
        const int64_t rows = std::stoll(*row[0]);
        return {rows > 0 ? CheckState::failing : CheckState::ok, double(rows),
                rows == 0 ? say("{} days agree with the facts view",
                                "{} días coinciden con la vista de hechos", compared)
                          : say("{} sums differ from the facts view on {} days compared; "
                                "kpi.rebuild mends them",
                                "{} sumas difieren de la vista de hechos en {} días comparados; "
                                "kpi.rebuild lo corrige",
                                rows, compared)};
    };
    return question;
}

Question capture_errors(const Check &check, const json &parameters) {
    const auto most = parameters["max_rows"].get<int64_t>();
    const auto window = parameters["window"].get<std::string>();
    Question question;
    question.as_owner = false;
    question.read = "window";
    // Their texts quote data: the states alone go into messages.
    question.sql = fmt::format(
        "SELECT coalesce(sum(rows), 0)::int8, string_agg(DISTINCT sqlstate, ', ') FROM "
        "kpi.capture_error WHERE source = {} AND last_at >= now() - {}::interval",
        pg::literal(*check.source), pg::literal(window));
    question.judge = [most, window](const Row &row) -> Finding {
        const int64_t rows = std::stoll(*row[0]);
        return {rows > most ? CheckState::failing : CheckState::ok, double(rows),
                rows == 0
                    ? say("no row was skipped in {}", "no se omitió ninguna fila en {}", window)
                    : say("{} rows contribute nothing because the facts view raised "
                          "errors ({}) in the last {}; see kpi.capture_error",
                          "{} filas no cuentan porque la vista de hechos dio errores ({}) en {}; "
                          "véase kpi.capture_error",
                          rows, *row[1], window)};
    };
    return question;
}

Question metric_range(const json &parameters) {
    std::string bad = "false";
    std::string words;
    for (const auto &[name, sign] : {std::pair{"min", "<"}, std::pair{"max", ">"}})
        if (parameters.contains(name)) {
            bad += fmt::format(" OR value {} {}", sign, parameters[name].dump());
            words += fmt::format("{}{} {}", words.empty() ? "" : in_language(" or ", " o "), sign,
                                 parameters[name].dump());
        }
    const auto metric = parameters["metric"].get<std::string>();
    const std::string rows = fmt::format(
        "SELECT day, value FROM kpi.query(ARRAY[{}], to_char(now() - {}::interval, "
        "'YYYY-MM-DD'), max_rows => NULL, expected => false)",
        pg::literal(metric), pg::literal(parameters["window"].get<std::string>()));
    Question question;
    question.read = "rollup";
    question.sql = fmt::format(
        "SELECT count(*), count(*) FILTER (WHERE {0} OR value = 'NaN') FROM ({1}) x", bad, rows);
    question.rows_sql = fmt::format("SELECT * FROM ({1}) x WHERE {0} OR value = 'NaN'", bad, rows);
    const auto most = parameters["max_rows"].get<int64_t>();
    question.judge = [=](const Row &row) -> Finding {
        const int64_t days = std::stoll(*row[1]);
        return {days > most ? CheckState::failing : CheckState::ok, double(days),
                say("{} is {} on {} of {} days", "{} es {} en {} de {} días", metric, words, days,
                    *row[0])};
    };
    return question;
}

}  // namespace

std::optional<Question> rollup_question(const Check &check, const json &parameters) {
    if (check.kind == "missing_periods") return missing_periods(check, parameters);
    if (check.kind == "volume") return volume(check, parameters);
    if (check.kind == "drift") return drift(check, parameters);
    if (check.kind == "capture_errors") return capture_errors(check, parameters);
    return metric_range(parameters);
}

}  // namespace kpi::monitor
