#include "monitor/check/measure.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "monitor/due.hpp"
#include "pg/safely.hpp"
#include "pg/sql.hpp"
#include "pg/statement.hpp"
#include "pg/waiter.hpp"

namespace kpi::monitor {
namespace {

constexpr int kRowBytes = 2000;  // of one row that is kept

// Columns of the table that are not shown, or nullopt: nothing may be shown, because a sensitive
// column is what is judged, or is read from behind another relation.
std::optional<std::vector<std::string>> hidden_columns(const Check &check,
                                                       const Question &question) {
    std::vector<std::string> read;
    const auto add = [&](const std::string &sql) {
        for (const ObjectId relation : pg::relations_read(sql))
            read.push_back(std::to_string(relation.value));
    };
    add(question.rows_sql);
    if (check.facts) add("SELECT * FROM " + pg::qualified(*check.facts));
    const Table found = pg::query(
        "SELECT column_name, relation::pg_catalog.oid FROM kpi.sensitive_column WHERE "
        "relation::pg_catalog.oid::pg_catalog.text = ANY ($1)",
        {read});
    std::vector<std::string> hidden;
    const std::optional<ObjectId> own = check.kind == "custom_sql" ? std::nullopt : check.relation;
    for (const Row &row : found.rows) {
        const auto &judged = question.columns;
        if (!own || *row[1] != std::to_string(own->value) ||
            std::find(judged.begin(), judged.end(), *row[0]) != judged.end())
            return std::nullopt;
        hidden.push_back(*row[0]);
    }
    return hidden;
}

std::string sample_of(const Check &check, const Question &question) {
    if (question.rows_sql.empty() || question.sample == 0) return {};
    const auto hidden = hidden_columns(check, question);
    if (!hidden) return {};
    return pg::value(
               fmt::format("SELECT jsonb_agg(CASE WHEN octet_length(j::text) > {0} THEN "
                           "jsonb_build_object('row', left(j::text, {0})) ELSE j END) FROM (SELECT "
                           "to_jsonb(x) - $1 AS j FROM ({1}\n) x LIMIT {2}) y",
                           kRowBytes, question.rows_sql, question.sample),
               {*hidden})
        .value_or("");
}

void ask(const Check &check, Outcome &out) {
    const std::optional<Question> question = build(check);
    if (!question) {
        out.finding = {
            CheckState::building,
            {},
            in_language("what it reads is not filled yet", "lo que lee aún no se ha llenado")};
        return;
    }
    out.read = question->read;
    const pg::LocalSettings zone{{{"TimeZone", check.timezone}, {"row_security", "on"}}};
    if (!question->as_owner) {
        out.finding = question->judge(pg::query(question->sql).rows.at(0));
        return;
    }
    const pg::RunAs owner(check.owner, pg::Restriction::reading);
    out.finding = question->judge(pg::query(question->sql).rows.at(0));
    if (out.finding.state == CheckState::failing) out.sample = sample_of(check, *question);
}

}  // namespace

Outcome failed_outcome(std::string message, std::string sqlstate) {
    Outcome out;
    out.finding = {CheckState::error, {}, std::move(message)};
    out.sqlstate = std::move(sqlstate);
    return out;
}

Outcome measure(const Check &check) {
    Outcome out;
    if (!check.owner_exists)
        return failed_outcome(in_language("the role that owns the check is gone",
                                          "el rol dueño del control ya no existe"),
                              "42704");
    const int64_t began = pg::ticks();
    const auto mishap = pg::run_safely([&] { ask(check, out); });
    // Time that ran out over the sample takes nothing from what was found.
    const bool found = mishap && mishap->over && out.finding.state == CheckState::failing;
    if (mishap && !found) out = failed_outcome(mishap->message, mishap->sqlstate);
    out.microseconds = pg::ticks() - began;
    return out;
}

}  // namespace kpi::monitor
