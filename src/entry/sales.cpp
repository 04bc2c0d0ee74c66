// SQL functions of the sales pack.
#include <fmt/format.h>

#include "pack/pack.hpp"
#include "pg/function.hpp"
#include "pg/guard.hpp"

namespace {

std::optional<kpi::ObjectId> relation(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    return kpi::ObjectId{PG_GETARG_OID(index)};
}

}  // namespace

KPI_FUNCTION(install_sales) {
    const auto given = [&](int index) { return kpi::pg::optional_text(fcinfo, index); };
    kpi::pack::PackRequest request;
    request.leads = relation(fcinfo, 0);
    request.payments = relation(fcinfo, 1);
    request.timezone = given(2);
    request.schema = given(3);
    request.lead_columns = {
        .time = given(4), .country = given(5), .source = given(6), .priority = given(13)};
    request.payment_columns = {.time = given(7),
                               .country = given(8),
                               .source = given(9),
                               .status = given(10),
                               .amount = given(11),
                               .currency = given(14)};
    request.succeeded = kpi::pg::text_array(fcinfo, 12);
    request.currency = given(15);
    kpi::pg::ResultSet result(fcinfo);
    const kpi::pg::Spi spi;
    const auto advice = kpi::pack::install(request);
    result.append_query("SELECT pg_catalog.unnest($1)", {advice}, {});
    return 0;
}

KPI_FUNCTION(uninstall_sales) {
    const kpi::pg::Spi spi;
    kpi::pack::uninstall();
    PG_RETURN_VOID();
}
