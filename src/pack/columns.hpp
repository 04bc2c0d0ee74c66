// engine/sales: the ready-made pack for a table of leads and a table of payments: facts views,
// sources, metrics and the three materialized views, and back. Nothing here that a user could not
// write in SQL; what it adds is finding the columns and holding the locks for a moment only.
//
// This file: the columns of a sales table, found by their usual names. Needs an open Spi.
// What cannot be found is collected, so that one error tells all of it: 42703 no such column,
// 42702 more than one candidate, 42804 a column of an unsuitable type. Each complaint names the
// argument that mends it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/table.hpp"

namespace kpi::pack {

struct Column {
    std::string name;
    std::string type;  // base type of a domain, as SQL text
};

// Names the caller gave; empty string: do without (country, source, priority and currency only).
struct WantedColumns {
    std::optional<std::string> time, country, source, priority, status, amount, currency;
};

// What is wrong with the columns of both tables, in the order of the search.
class Complaints {
public:
    void add(Error complaint) { list_.push_back(std::move(complaint)); }
    // Nothing when there is none; a single one as it is; several as one error with all hints.
    void raise() const;

private:
    std::vector<Error> list_;
};

class Columns {
public:
    // `role`: leads or payments, the prefix of the arguments that the hints name. A column that is
    // not found is added to `complaints` and comes back without a name.
    Columns(ObjectId table, std::string role, Complaints &complaints);

    Column time(const std::optional<std::string> &wanted);
    // nullopt: the caller does without.
    std::optional<Column> country(const std::optional<std::string> &wanted);
    std::optional<Column> source(const std::optional<std::string> &wanted);
    // nullopt: the table has none either.
    std::optional<Column> priority(const std::optional<std::string> &wanted);
    std::optional<Column> currency(const std::optional<std::string> &wanted);
    Column status(const std::optional<std::string> &wanted);
    Column amount(const std::optional<std::string> &wanted);

private:
    struct Search;
    Column find(const Search &search, const std::optional<std::string> &wanted);
    Column complain(Error complaint);
    std::optional<Column> extra(const Search &search, const std::optional<std::string> &wanted);
    std::vector<Column> having(const Search &search) const;
    std::string argument(const Search &search) const;

    std::string table_, role_;
    std::vector<Column> columns_;
    Complaints &complaints_;
};

}  // namespace kpi::pack
