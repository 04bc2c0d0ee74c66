// kpi.install_sales and kpi.uninstall_sales. Everything is created as the owner of the tables. The
// triggers come last, on both tables in one go, so that the locks on the base tables are held for
// these few statements and never while waiting for the other table. No index is made on a base
// table: index_advice() says which would help. Needs an open Spi.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/table.hpp"
#include "pack/columns.hpp"

namespace kpi::pack {

struct PackRequest {
    // Neither given: the only tables of the caller's named leads and payments.
    std::optional<ObjectId> leads, payments;
    std::optional<std::string> timezone;
    std::optional<std::string> schema;  // of the new views; not given: that of the tables
    WantedColumns lead_columns, payment_columns;
    std::vector<std::string> succeeded;
    std::optional<std::string> currency;  // that revenue is counted in; "*": add all as they are
};

// Where the pack is installed, only the rules, checks and probes that are missing are added.
// Returns the CREATE INDEX statements that would help, to be run outside a transaction block.
// Errors: 42P01 no such table, 42725 several, 42501 not the owner, 0A000 two owners, 42710
// installed already, with all that belongs to it; those of columns.hpp, track and define.
std::vector<std::string> install(const PackRequest &request);

// Drops what install() created, save facts that others depend on (2BP01, with PostgreSQL's detail).
// Errors: 42704 not installed, 42501.
void uninstall();

}  // namespace kpi::pack
