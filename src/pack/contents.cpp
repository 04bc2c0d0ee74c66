#include "pack/contents.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "pg/sql.hpp"

namespace kpi::pack {
namespace {

constexpr int kShown = 8;  // values in a message

std::string text_of(const Column &column) { return pg::quote(column.name) + "::text"; }

// value (NULL too) and number of rows, the most frequent first.
Table frequencies(const std::string &table, const Column &column) {
    return pg::query(fmt::format("SELECT {0}, count(*) FROM {1} GROUP BY 1 ORDER BY 2 DESC, 1",
                                 text_of(column), table));
}

std::string shown(const Table &values) {
    std::string out;
    for (size_t i = 0; i < values.rows.size() && i < kShown; ++i) {
        const Row &row = values.rows[i];
        out += fmt::format("{}{} ({})", i == 0 ? "" : ", ",
                           row[0] ? fmt::format("'{}'", *row[0]) : "NULL", *row[1]);
    }
    if (values.rows.size() > kShown)
        out += fmt::format(" and {} more", values.rows.size() - kShown);
    return out;
}

// Values that differ from a wanted word in case or blanks only.
std::vector<std::string> alike(const Table &values, const std::vector<std::string> &words) {
    std::vector<std::string> held, out;
    for (const Row &row : values.rows)
        if (row[0]) held.push_back(*row[0]);
    const Table found = pg::query(
        "SELECT v FROM pg_catalog.unnest($1) WITH ORDINALITY u (v, place) WHERE "
        "pg_catalog.lower(pg_catalog.btrim(v)) IN (SELECT pg_catalog.lower(w) FROM "
        "pg_catalog.unnest($2) w) ORDER BY place",
        {held, words});
    for (const Row &row : found.rows) out.push_back(*row[0]);
    return out;
}

}  // namespace

void warn_of_statuses(const SalesTable &payments, const std::vector<std::string> &succeeded) {
    if (*pg::value(fmt::format("SELECT NOT EXISTS (SELECT FROM {0}) OR EXISTS (SELECT FROM {0} "
                               "WHERE {1} = ANY ($1))",
                               payments.table, text_of(payments.status)),
                   {succeeded}) == "t")
        return;
    const Table values = frequencies(payments.table, payments.status);
    const std::vector<std::string> near = alike(values, succeeded);
    const std::string words =
        pg::literal(*pg::value("SELECT $1::pg_catalog.text[]::pg_catalog.text",
                               {near.empty() ? std::vector<std::string>{"..."} : near}));
    pg::log(pg::Level::warning,
            fmt::format("no payment has the status {}: payments_succeeded and revenue are 0",
                        fmt::join(succeeded, " or ")),
            fmt::format("Column \"{}\" of {} holds {}.", payments.status.name, payments.table,
                        shown(values)),
            fmt::format("Call kpi.uninstall_sales() and install again with succeeded => {}{}.",
                        words, near.empty() ? ", the values that mean a successful payment" : ""));
}

std::optional<std::string> choose_currency(const SalesTable &payments,
                                           const std::optional<std::string> &wanted) {
    if (!payments.currency) {
        if (wanted && *wanted != "*")
            throw Error("22023",
                        fmt::format("a currency is asked for, but no column of {} holds it",
                                    payments.table),
                        {}, "Pass payments_currency => '...', the column with the currency.");
        return std::nullopt;
    }
    if (wanted) return *wanted == "*" ? std::nullopt : wanted;
    const Table values = frequencies(payments.table, *payments.currency);
    const auto known = std::count_if(values.rows.begin(), values.rows.end(),
                                     [](const Row &row) { return row[0].has_value(); });
    if (known == 1)
        for (const Row &row : values.rows)
            if (row[0]) return row[0];
    if (known == 0 && !values.rows.empty()) return std::nullopt;  // nobody ever wrote one
    const std::string example =
        known == 0 ? "EUR"
                   : **std::find_if(values.rows.begin(), values.rows.end(), [](const Row &row) {
                           return row[0].has_value();
                       })->begin();
    throw Error(
        "22023",
        known == 0 ? fmt::format("{} is empty, so the currency of its amounts is not known",
                                 payments.table)
                   : fmt::format("{} has amounts in {} currencies", payments.table, known),
        known == 0 ? fmt::format("Column \"{}\" holds the currency.", payments.currency->name)
                   : fmt::format("Column \"{}\" holds {}.", payments.currency->name, shown(values)),
        fmt::format(
            "Pass currency => {} to count the revenue in one of them, or currency => '*' to "
            "add all as they are, with the currency as a dimension.",
            pg::literal(example)));
}

}  // namespace kpi::pack
