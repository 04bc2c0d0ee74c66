// SQL functions of environments: kpi.load_environment, kpi.config, kpi.threshold_value,
// kpi.prometheus_rules; and the error of those that are written in SQL.
#include "core/error.hpp"
#include "core/similar_names.hpp"
#include "monitor/config/config.hpp"
#include "pg/function.hpp"
#include "pg/lock.hpp"

namespace {

using kpi::pg::text_argument;

}  // namespace

KPI_FUNCTION(load_environment) {
    const kpi::pg::Spi spi;
    PG_RETURN_INT64(
        kpi::monitor::load_environment(text_argument(fcinfo, 0), text_argument(fcinfo, 1)));
}

KPI_FUNCTION(config) {
    kpi::pg::ResultSet result(fcinfo);
    const kpi::pg::Spi spi;
    for (const kpi::monitor::Configured &row : kpi::monitor::config())
        result.append_query("SELECT $1, $2, $3, $4", {row.name, row.value, row.source, row.note},
                            {});
    return Datum(0);
}

KPI_FUNCTION(no_such) {
    const std::string what = text_argument(fcinfo, 0);
    throw kpi::Error("42704", "there is no " + what + " \"" + text_argument(fcinfo, 1) + "\"", {},
                     "Use one of " + kpi::quoted_list(kpi::pg::text_array(fcinfo, 2)) + ".");
}

KPI_FUNCTION(threshold_value) {
    std::string value;
    {
        const kpi::pg::Spi spi;
        value = kpi::monitor::threshold_value(text_argument(fcinfo, 0));
    }
    return kpi::pg::numeric_datum(value);
}

KPI_FUNCTION(prometheus_rules) {
    const std::optional<std::string> environment = kpi::pg::optional_text(fcinfo, 0);
    std::string answer;
    {
        const kpi::pg::Spi spi;
        answer = kpi::monitor::prometheus_rules(environment);
    }
    return kpi::pg::text_datum(answer);
}
