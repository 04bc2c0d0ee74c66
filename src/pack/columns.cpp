#include "pack/columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "pg/sql.hpp"

namespace kpi::pack {
namespace {

using Words = std::vector<std::string>;

const Words kTimeTypes{"date", "timestamp without time zone", "timestamp with time zone"};
const Words kNumberTypes{"smallint", "integer", "bigint", "numeric", "real", "double precision"};

bool holds(const Words &words, const std::string &word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::string lower(std::string text) {
    for (char &c : text)
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    return text;
}

std::string list(const std::vector<Column> &columns) {
    std::string out;
    for (const Column &column : columns) out += (out.empty() ? "" : ", ") + column.name;
    return out;
}

}  // namespace

struct Columns::Search {
    const char *what;  // as in the argument leads_<what>
    Words names;       // usual ones; the first beats the others
    Words types;       // empty: any
    bool by_type_alone = false;
    bool dispensable = false;
};

void Complaints::raise() const {
    if (list_.empty()) return;
    if (list_.size() == 1) throw Error(list_[0]);
    std::string detail, hint;
    for (const Error &complaint : list_) {
        detail += fmt::format("{}{}.{}{}", detail.empty() ? "" : "\n", complaint.message,
                              complaint.detail.empty() ? "" : " ", complaint.detail);
        if (!complaint.hint.empty()) hint += (hint.empty() ? "" : "\n") + complaint.hint;
    }
    throw Error(list_[0].sqlstate,
                fmt::format("{} columns of the sales tables are not clear", list_.size()), detail,
                hint);
}

Columns::Columns(ObjectId table, std::string role, Complaints &complaints)
    : table_(pg::qualified(table)), role_(std::move(role)), complaints_(complaints) {
    const Table t = pg::query(
        "SELECT a.attname, pg_catalog.format_type(b.oid, NULL) FROM pg_catalog.pg_attribute a "
        "CROSS JOIN LATERAL (WITH RECURSIVE d AS (SELECT t.oid, t.typtype, t.typbasetype "
        "FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid UNION ALL SELECT t.oid, t.typtype, "
        "t.typbasetype FROM pg_catalog.pg_type t JOIN d ON t.oid = d.typbasetype) "
        "SELECT oid FROM d WHERE typtype <> 'd') b "
        "WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        {table});
    for (const Row &row : t.rows) columns_.push_back({*row[0], *row[1]});
}

std::string Columns::argument(const Search &search) const { return role_ + "_" + search.what; }

// Columns with one of the usual names and a suitable type; without any, those of the type alone.
std::vector<Column> Columns::having(const Search &search) const {
    std::vector<Column> found;
    const auto suits = [&](const Column &c) {
        return search.types.empty() || holds(search.types, c.type);
    };
    for (const Column &column : columns_)
        if (holds(search.names, lower(column.name)) && suits(column)) {
            if (lower(column.name) == search.names[0]) return {column};
            found.push_back(column);
        }
    if (found.empty() && search.by_type_alone)
        std::copy_if(columns_.begin(), columns_.end(), std::back_inserter(found), suits);
    return found;
}

Column Columns::find(const Search &search, const std::optional<std::string> &wanted) {
    const std::string name = argument(search);
    if (wanted) {
        const auto it = std::find_if(columns_.begin(), columns_.end(),
                                     [&](const Column &c) { return c.name == *wanted; });
        if (it == columns_.end())
            return complain(
                Error("42703", fmt::format("column \"{}\" of {} does not exist", *wanted, table_),
                      fmt::format("It was given as {}.", name),
                      fmt::format("The table has the columns {}.", list(columns_))));
        if (!search.types.empty() && !holds(search.types, it->type))
            return complain(
                Error("42804",
                      fmt::format("column \"{}\" of {} is of type {}", it->name, table_, it->type),
                      fmt::format("It was given as {}, which must be {}.", name,
                                  fmt::join(search.types, ", "))));
        return *it;
    }
    const std::vector<Column> found = having(search);
    if (found.size() == 1) return found[0];
    if (found.size() > 1)
        return complain(Error("42702",
                              fmt::format("{} has more than one column that may be the {} of {}",
                                          table_, search.what, role_),
                              fmt::format("They are {}.", list(found)),
                              fmt::format("Pass {} => '{}', for example.", name, found[0].name)));
    return complain(Error(
        "42703", fmt::format("no column of {} looks like the {} of {}", table_, search.what, role_),
        fmt::format(
            "Looked for {}{}.", fmt::join(search.names, ", "),
            search.types.empty() ? "" : fmt::format(" of type {}", fmt::join(search.types, ", "))),
        fmt::format("Pass {} => '...', one of {}{}.", name, list(columns_),
                    search.dispensable ? "; '' to do without" : "")));
}

Column Columns::complain(Error complaint) {
    complaints_.add(std::move(complaint));
    return {};
}

// A column that the pack uses when it is there.
std::optional<Column> Columns::extra(const Search &search,
                                     const std::optional<std::string> &wanted) {
    if (wanted && wanted->empty()) return std::nullopt;
    if (!wanted && having(search).empty()) return std::nullopt;
    return find(search, wanted);
}

Column Columns::time(const std::optional<std::string> &wanted) {
    Search search{"time",
                  {"created_at", "created", "created_on", "inserted_at", "occurred_at", "timestamp",
                   "ts", "at", "date", "day"},
                  kTimeTypes};
    search.by_type_alone = true;
    return find(search, wanted);
}

std::optional<Column> Columns::country(const std::optional<std::string> &wanted) {
    if (wanted && wanted->empty()) return std::nullopt;
    Search search{"country", {"country", "country_code", "country_iso", "country_name"}, {}};
    search.dispensable = true;
    return find(search, wanted);
}

std::optional<Column> Columns::source(const std::optional<std::string> &wanted) {
    if (wanted && wanted->empty()) return std::nullopt;
    Search search{"source",
                  {"source", "utm_source", "lead_source", "traffic_source", "channel", "origin"},
                  {}};
    search.dispensable = true;
    return find(search, wanted);
}

std::optional<Column> Columns::priority(const std::optional<std::string> &wanted) {
    Search search{"priority", {"priority", "lead_priority", "prio"}, {}};
    search.dispensable = true;
    return extra(search, wanted);
}

std::optional<Column> Columns::currency(const std::optional<std::string> &wanted) {
    Search search{
        "currency", {"currency", "currency_code", "payment_currency", "currency_iso"}, {}};
    search.dispensable = true;
    return extra(search, wanted);
}

Column Columns::status(const std::optional<std::string> &wanted) {
    return find({"status", {"status", "payment_status", "state"}, {}}, wanted);
}

Column Columns::amount(const std::optional<std::string> &wanted) {
    return find(
        {"amount", {"amount", "total_amount", "amount_total", "total", "price"}, kNumberTypes},
        wanted);
}

}  // namespace kpi::pack
