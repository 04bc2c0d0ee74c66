// The SQL of the pack: facts views and materialized views, as text. Pure; names are quoted here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pack/columns.hpp"

namespace kpi::pack {

// One of the two tables with its columns; status, amount and currency are of payments only.
struct SalesTable {
    std::string table;  // qualified
    Column time;
    std::optional<Column> country, source;
    std::optional<Column> priority;  // of leads
    Column status, amount;
    std::optional<Column> currency;  // of payments
};

// SELECTs for CREATE VIEW. Empty and NULL countries and sources are 'unknown': a materialized view
// that is refreshed CONCURRENTLY would write rows with a NULL key anew each time.
std::string lead_facts_sql(const SalesTable &leads);
// `currency`: revenue counts amounts in it alone, and payments_other_currency the succeeded
// payments that it leaves out. nullopt: amounts are added as they are; a currency column, if there
// is one, becomes a dimension.
std::string payment_facts_sql(const SalesTable &payments, const std::vector<std::string> &succeeded,
                              const std::optional<std::string> &currency);

// Dimensions of the two facts views, in order.
std::vector<std::string> lead_dimensions(const SalesTable &leads);
std::vector<std::string> payment_dimensions(const SalesTable &payments,
                                            const std::optional<std::string> &currency);

// What of the pair is there.
struct Parts {
    bool leads = false, payments = false;
};

// Those of good "down" are about the data, not the business: no column of the materialized views.
struct NewMetric {
    std::string name, formula, unit, description;
    std::string good = "up";
    int most = 100;  // a check fails above it
};
// Metrics over the measures, as far as their measures are there.
std::vector<NewMetric> metrics(const Parts &parts);

struct MaterializedView {
    std::string name, sql, key, comment;  // key: columns of the unique index
};
// `zone`: the time zone of the sources.
std::vector<MaterializedView> materialized_views(const Parts &parts, const std::string &zone);

}  // namespace kpi::pack
