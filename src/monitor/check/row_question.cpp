#include "monitor/check/row_question.hpp"

#include <fmt/format.h>

#include "monitor/due.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

using nlohmann::json;

// The rows that are read: FROM and WHERE.
struct Rows {
    std::string from, where = "true";
    const char *read = "everything";
};

Rows rows_of(const Check &check, const json &parameters) {
    Rows rows{.from = pg::qualified(*check.table()) + " t"};
    std::optional<std::string> time;
    if (parameters.contains("time_column"))
        time = parameters["time_column"].get<std::string>();
    else if (!check.relation || (check.facts && check.relation->value == check.facts->value))
        time = check.facts_time;
    if (time) {
        rows.where = fmt::format("t.{} >= now() - {}::interval", pg::quote(*time),
                                 pg::literal(parameters["window"].get<std::string>()));
        rows.read = "window";
    }
    if (parameters.contains("sample_percent")) {
        // The same blocks for every look of this run, others in the next one.
        rows.from += fmt::format(" TABLESAMPLE SYSTEM ({}) REPEATABLE ({})",
                                 parameters["sample_percent"].dump(),
                                 *pg::value("SELECT pg_catalog.date_part('epoch', "
                                            "pg_catalog.now())::pg_catalog.int8 % 1000000"));
        rows.read = "sample";
    }
    return rows;
}

std::string text_array(const json &values) {
    std::string out;
    for (const json &value : values)
        out += (out.empty() ? "" : ", ") + pg::literal(value.get<std::string>());
    return "ARRAY[" + out + "]::text[]";
}

std::string limits(const json &parameters) {
    if (!parameters.contains("max"))
        return say("is below {}", "es menor que {}", parameters["min"].dump());
    if (!parameters.contains("min"))
        return say("is above {}", "es mayor que {}", parameters["max"].dump());
    return say("is outside {} to {}", "está fuera de {} a {}", parameters["min"].dump(),
               parameters["max"].dump());
}

// NaN is the greatest of all numbers to PostgreSQL, and no number to anybody else.
std::string out_of_range(const std::string &column, const json &parameters) {
    std::string bad = fmt::format("{}::numeric = 'NaN'", column);
    if (parameters.contains("min"))
        bad += fmt::format(" OR {} < {}", column, parameters["min"].dump());
    if (parameters.contains("max"))
        bad += fmt::format(" OR {} > {}", column, parameters["max"].dump());
    return "(" + bad + ")";
}

struct Bad {
    std::string condition, words;
};

Bad bad_rows(const Check &check, const json &parameters) {
    const std::string column = "t." + pg::quote(*check.column);
    if (check.kind == "null_rate") {
        const bool blank = parameters["blank"].get<bool>();
        return {blank ? fmt::format("nullif(btrim({}::text), '') IS NULL", column)
                      : column + " IS NULL",
                blank ? in_language("is NULL or blank", "es NULL o está en blanco")
                      : in_language("is NULL", "es NULL")};
    }
    if (check.kind == "range") return {out_of_range(column, parameters), limits(parameters)};
    if (check.kind == "accepted_values")
        return {fmt::format("{}::text <> ALL ({})", column, text_array(parameters["values"])),
                in_language("is none of the accepted values",
                            "no es ninguno de los valores aceptados")};
    const auto table = parameters["references"].get<std::string>();
    return {
        fmt::format("{0} IS NOT NULL AND NOT EXISTS (SELECT FROM {1} r WHERE r.{2} = {0})", column,
                    table, pg::quote(parameters["references_column"].get<std::string>())),
        say("has no match in {}", "no tiene correspondencia en {}", table)};
}

Finding judge_rate(const json &parameters, const std::string &column, const Bad &bad,
                   const Row &row) {
    const double rows = std::stod(*row[0]);
    const double percent = rows == 0 ? 0 : 100 * std::stod(*row[1]) / rows;
    const auto most = parameters["max_percent"].get<double>();
    const bool fails = rows >= parameters["min_rows"].get<double>() && percent > most;
    return {fails ? CheckState::failing : CheckState::ok, percent,
            say("{} {} in {:.2f} % of {} rows, {:g} % allowed",
                "{} {} en el {:.2f} % de {} filas, se permite el {:g} %", column, bad.words,
                percent, *row[0], most)};
}

Finding judge_count(const json &parameters, const std::string &what, const Row &row) {
    const auto most = parameters["max_rows"].get<int64_t>();
    const int64_t bad = std::stoll(*row[1]);
    return {bad > most ? CheckState::failing : CheckState::ok, double(bad),
            say("{} in {} of {} rows, {} allowed", "{} en {} de {} filas, se permiten {}", what,
                bad, *row[0], most)};
}

Question uniqueness(const Check &check, const json &parameters) {
    Question question;
    if (check.column)
        question.columns.push_back(*check.column);
    else
        for (const json &column : parameters["columns"])
            question.columns.push_back(column.get<std::string>());
    std::string keys, filled, names;
    for (const std::string &column : question.columns) {
        const std::string quoted = "t." + pg::quote(column);
        keys += (keys.empty() ? "" : ", ") + quoted;
        names += (names.empty() ? "" : ", ") + column;
        filled += fmt::format(" AND {} IS NOT NULL", quoted);
    }
    const Rows rows = rows_of(check, parameters);
    question.read = rows.read;
    question.rows_sql = fmt::format(
        "SELECT {0}, count(*) AS rows FROM {1} WHERE {2}{3} GROUP BY {0} HAVING "
        "count(*) > 1",
        keys, rows.from, rows.where, filled);
    question.sql = fmt::format(
        "SELECT (SELECT count(*) FROM {} WHERE {}), coalesce(sum(d.rows - 1), 0)::int8 FROM ({}) d",
        rows.from, rows.where, question.rows_sql);
    question.judge = [parameters, names](const Row &row) {
        return judge_count(parameters, say("{} is not unique", "{} no es único", names), row);
    };
    return question;
}

}  // namespace

Question row_question(const Check &check, const json &parameters) {
    if (check.kind == "uniqueness") return uniqueness(check, parameters);
    const Rows rows = rows_of(check, parameters);
    const Bad bad = bad_rows(check, parameters);
    Question question;
    question.read = rows.read;
    question.columns = {*check.column};
    // A table that is referred to is joined; the others are counted in one pass.
    question.sql =
        check.kind == "referential"
            ? fmt::format(
                  "SELECT (SELECT count(*) FROM {0} WHERE {1}), (SELECT count(*) FROM {0} "
                  "WHERE {1} AND {2})",
                  rows.from, rows.where, bad.condition)
            : fmt::format("SELECT count(*), count(*) FILTER (WHERE {2}) FROM {0} WHERE {1}",
                          rows.from, rows.where, bad.condition);
    question.rows_sql =
        fmt::format("SELECT t.* FROM {} WHERE {} AND {}", rows.from, rows.where, bad.condition);
    const std::string column = *check.column;
    if (check.kind == "null_rate")
        question.judge = [=](const Row &row) { return judge_rate(parameters, column, bad, row); };
    else
        question.judge = [=](const Row &row) {
            return judge_count(parameters, column + " " + bad.words, row);
        };
    return question;
}

}  // namespace kpi::monitor
