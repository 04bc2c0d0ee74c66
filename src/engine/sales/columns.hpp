// engine/sales: the ready-made pack for a table of leads and a table of payments: facts views,
// sources, metrics and the three materialized views, and back. Nothing here that a user could not
// write in SQL; what it adds is finding the columns and holding the locks for a moment only.
//
// This file: the columns of a sales table, found by their usual names. Needs an open Spi.
// Errors name the argument that mends them: 42703 no such column, 42702 more than one candidate,
// 42804 a column of an unsuitable type.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::engine::sales {

struct Column {
    std::string name;
    std::string type;  // base type of a domain, as SQL text
};

// Names the caller gave; empty string: do without (country and source only).
struct WantedColumns {
    std::optional<std::string> time, country, source, status, amount;
};

class Columns {
public:
    // `role`: leads or payments, the prefix of the arguments that the hints name.
    Columns(ObjectId table, std::string role);

    Column time(const std::optional<std::string> &wanted) const;
    // nullopt: the caller does without.
    std::optional<Column> country(const std::optional<std::string> &wanted) const;
    std::optional<Column> source(const std::optional<std::string> &wanted) const;
    Column status(const std::optional<std::string> &wanted) const;
    Column amount(const std::optional<std::string> &wanted) const;

private:
    struct Search;
    Column find(const Search &search, const std::optional<std::string> &wanted) const;
    std::vector<Column> having(const Search &search) const;
    std::string argument(const Search &search) const;

    std::string table_, role_;
    std::vector<Column> columns_;
};

}  // namespace kpi::engine::sales
