#include "monitor/check/question.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "monitor/check/kinds.hpp"
#include "monitor/check/rollup_question.hpp"
#include "monitor/check/row_question.hpp"
#include "monitor/due.hpp"
#include "pg/sql.hpp"
#include "pg/statement.hpp"

namespace kpi::monitor {
namespace {

using nlohmann::json;

Finding fails_if(bool fails, double value, std::string message) {
    return {fails ? CheckState::failing : CheckState::ok, value, std::move(message)};
}

Question freshness(const Check &check, const json &parameters) {
    const std::string time =
        pg::quote(parameters.contains("time_column") ? parameters["time_column"].get<std::string>()
                                                     : check.facts_time.value_or(""));
    const auto limit = parameters["max_age"].get<std::string>();
    const std::string age = pg::literal(limit) + "::interval";
    Question question;
    question.sql = fmt::format(
        "SELECT now() - last > {0}, extract(epoch FROM now() - last)::float8, "
        "date_trunc('minute', last) FROM (SELECT max({1})::timestamptz AS last FROM {2} WHERE {1} "
        "> now() - 2 * {0} AND {1} <= now()) x",
        age, time, pg::qualified(*check.table()));
    question.judge = [limit](const Row &row) -> Finding {
        if (!row[2])
            return {CheckState::failing,
                    {},
                    say("no row in twice the time allowed ({})",
                        "ninguna fila en el doble del tiempo permitido ({})", limit)};
        return fails_if(row[0] == "t", std::stod(*row[1]),
                        say("the newest row is of {} ({:.1f} hours old, {} allowed)",
                            "la fila más reciente es de {} (hace {:.1f} horas, permitido: {})",
                            *row[2], std::stod(*row[1]) / 3600, limit));
    };
    return question;
}

Question view_size(const Check &check, const json &parameters) {
    const auto least = parameters["min_rows"].get<int64_t>();
    const bool bounded = parameters.contains("max_rows");
    const int64_t most = bounded ? parameters["max_rows"].get<int64_t>() : 0;
    const bool days = parameters.contains("min_days");
    const int64_t least_days = days ? parameters["min_days"].get<int64_t>() : 0;
    const std::string name = pg::qualified(*check.table());
    Question question;
    question.read = "everything";
    question.sql =
        fmt::format("SELECT (SELECT count(*) FROM (SELECT FROM {0} LIMIT {1}) x), {2}", name,
                    std::max(least, most + 1),
                    days ? fmt::format("(SELECT count(DISTINCT {}) FROM {})",
                                       pg::quote(parameters["day_column"].get<std::string>()), name)
                         : "NULL::int8");
    question.judge = [=](const Row &row) {
        const int64_t rows = std::stoll(*row[0]);
        if (rows < least)
            return fails_if(true, double(rows),
                            rows == 0 ? say("{} is empty", "{} está vacía", name)
                                      : say("{} has {} rows, fewer than {}",
                                            "{} tiene {} filas, menos de {}", name, rows, least));
        if (bounded && rows > most)
            return fails_if(
                true, double(rows),
                say("{} has more than {} rows", "{} tiene más de {} filas", name, most));
        if (days && std::stoll(*row[1]) < least_days)
            return fails_if(true, std::stod(*row[1]),
                            say("{} has {} days, fewer than {}", "{} tiene {} días, menos de {}",
                                name, *row[1], least_days));
        if (days) return fails_if(false, std::stod(*row[1]), say("{} days", "{} días", *row[1]));
        return fails_if(false, double(rows), say("at least {} rows", "al menos {} filas", rows));
    };
    return question;
}

// Columns of the catalog against those that were written down.
std::string difference(const json &wanted, const Table &found, bool exact) {
    std::string out;
    const auto add = [&](const std::string &text) { out += (out.empty() ? "" : "; ") + text; };
    for (const auto &[name, type] : wanted.items()) {
        const Row *row = nullptr;
        for (const Row &candidate : found.rows)
            if (candidate[0] == name) row = &candidate;
        if (row == nullptr)
            add(say("column {} is missing", "falta la columna {}", name));
        else if ((*row)[1] != type.get<std::string>())
            add(say("column {} is {}, not {}", "la columna {} es {}, no {}", name, *(*row)[1],
                    type.get<std::string>()));
    }
    if (exact)
        for (const Row &row : found.rows)
            if (!wanted.contains(*row[0]))
                add(say("column {} is new", "la columna {} es nueva", *row[0]));
    return out;
}

Question schema(const Check &check, const json &parameters) {
    Question question;
    question.read = "catalog";
    question.as_owner = false;
    question.sql = "SELECT 1";
    const ObjectId table = *check.table();
    question.judge = [table, parameters](const Row &) {
        const Table found = pg::query(
            "SELECT attname, pg_catalog.format_type(atttypid, atttypmod) FROM "
            "pg_catalog.pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped",
            {table});
        const std::string text =
            difference(parameters["columns"], found, parameters["exact"].get<bool>());
        return fails_if(!text.empty(), double(found.rows.size()),
                        text.empty() ? in_language("the columns are as agreed",
                                                   "las columnas son las acordadas")
                                     : text);
    };
    return question;
}

Question custom_sql(const json &parameters) {
    constexpr int64_t kCounted = 1000;
    const auto most = parameters["max_rows"].get<int64_t>();
    Question question;
    question.read = "everything";
    question.rows_sql = pg::single_select(parameters["sql"].get<std::string>());
    question.sql = fmt::format("SELECT count(*) FROM (SELECT FROM ({}\n) x LIMIT {}) y",
                               question.rows_sql, std::max(kCounted, most + 1));
    question.judge = [most](const Row &row) {
        const int64_t rows = std::stoll(*row[0]);
        return fails_if(rows > most, double(rows),
                        rows >= kCounted
                            ? say("at least {} rows, {} allowed",
                                  "al menos {} filas, se permiten {}", rows, most)
                            : say("{} rows, {} allowed", "{} filas, se permiten {}", rows, most));
    };
    return question;
}

// A materialized view made WITH NO DATA. Errors: 42P01.
bool is_unfilled(ObjectId relation) {
    const Cell filled =
        pg::value("SELECT relispopulated FROM pg_catalog.pg_class WHERE oid = $1", {relation});
    if (!filled) throw Error("42P01", "what it reads was dropped");
    return filled != "t";
}

}  // namespace

const char *state_name(CheckState state) {
    switch (state) {
        case CheckState::ok:
            return "ok";
        case CheckState::failing:
            return "failing";
        case CheckState::error:
            return "error";
        case CheckState::building:
            return "building";
    }
    return "";
}

std::optional<Question> build(const Check &check) {
    const CheckKind &kind = check_kind(check.kind);
    const json parameters = with_defaults(kind, check_parameters(kind, check.parameters));
    if (check.table() && is_unfilled(*check.table())) return std::nullopt;
    const bool of_rollups = kind.of_source || parameters.contains("metric");
    if (of_rollups && check.kind != "capture_errors" && check.building) return std::nullopt;
    std::optional<Question> question;
    if (check.kind == "freshness")
        question = freshness(check, parameters);
    else if (check.kind == "view_size")
        question = view_size(check, parameters);
    else if (check.kind == "schema")
        question = schema(check, parameters);
    else if (check.kind == "custom_sql")
        question = custom_sql(parameters);
    else if (of_rollups)
        question = rollup_question(check, parameters);
    else
        question = row_question(check, parameters);
    if (question) question->sample = parameters.value("sample", 0);
    return question;
}

}  // namespace kpi::monitor
