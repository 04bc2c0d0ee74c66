// SQL functions that read: kpi.query, kpi.query_json, kpi.value, kpi.rolling, kpi.recent.
#include "engine/query/query.hpp"
#include "engine/query/recent.hpp"
#include "pg/function.hpp"

namespace {

using kpi::pg::optional_text;
using kpi::pg::text_argument;

// NULL stands for the default of an argument that callers often pass through.
std::string text_or(FunctionCallInfo fcinfo, int index, const char *fallback) {
    return optional_text(fcinfo, index).value_or(fallback);
}

constexpr int64_t kNoLimit = INT32_MAX;

// NULL: no limit.
int64_t row_limit(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return 0;
    const int32 limit = PG_GETARG_INT32(index);
    if (limit < 1)
        throw kpi::Error("22023", "the number of rows must be at least 1", {},
                         "NULL means no limit.");
    return limit;
}

// The first arguments of kpi._query and kpi._expected_so_far.
constexpr int kTopArgument = 7, kRequestArguments = 8;

// What tells the requests of one statement apart. Not their text: that would be written for every
// row.
std::string request_bytes(FunctionCallInfo fcinfo) {
    std::string out;
    for (int i = 0; i < kTopArgument; ++i) {
        const auto bytes = kpi::pg::bytes_argument(fcinfo, i);
        out += std::to_string(bytes ? int64_t(bytes->size()) : -1) + ':' + bytes.value_or("");
    }
    return out + std::to_string(row_limit(fcinfo, kTopArgument));
}

kpi::engine::Request read_request(FunctionCallInfo fcinfo) {
    kpi::engine::Request request;
    if (!PG_ARGISNULL(0)) request.metrics = kpi::pg::text_array(fcinfo, 0);
    request.start = text_or(fcinfo, 1, "7d");
    request.end = optional_text(fcinfo, 2);
    request.filters = text_or(fcinfo, 3, "{}");
    request.by = kpi::pg::text_array(fcinfo, 4);
    request.grain = text_or(fcinfo, 5, "day");
    request.order_by = optional_text(fcinfo, 6);
    request.top = row_limit(fcinfo, kTopArgument);
    return request;
}

// What the open rows of one statement expect. A column that is named twice is computed twice by the
// executor, each time with a look-up of its own: they share what was read, as they share the
// snapshot, for as long as the executor's memory of the statement lives.
struct Expected {
    MemoryContext statement;
    MemoryContextCallback on_reset{};
    // by what they were read for
    std::map<std::string, std::map<kpi::engine::ExpectationKey, std::string>> values;
};

// Arguments may change from row to row: so many answers are kept at most.
constexpr size_t kMostExpected = 16;

std::map<MemoryContext, Expected *> &expected_by_statement() {
    static std::map<MemoryContext, Expected *> all;
    return all;
}

Expected *expected_of(FmgrInfo *function) {
    if (function->fn_extra != nullptr) return static_cast<Expected *>(function->fn_extra);
    Expected *&expected = expected_by_statement()[function->fn_mcxt];
    if (expected == nullptr) {
        expected = new Expected{function->fn_mcxt, {}, {}};
        expected->on_reset.func = [](void *argument) {
            const auto *old = static_cast<Expected *>(argument);
            expected_by_statement().erase(old->statement);
            delete old;
        };
        expected->on_reset.arg = expected;
        MemoryContextRegisterResetCallback(function->fn_mcxt, &expected->on_reset);
    }
    function->fn_extra = expected;
    return expected;
}

}  // namespace

KPI_FUNCTION(query) {
    kpi::pg::ResultSet out(fcinfo);
    const kpi::pg::Spi spi;
    kpi::engine::Request request = read_request(fcinfo);
    request.compare = optional_text(fcinfo, 8);
    request.max_rows = row_limit(fcinfo, 9);
    if (!PG_ARGISNULL(10)) request.show = kpi::pg::text_array(fcinfo, 10);
    kpi::engine::query(request, out);
    return Datum(0);
}

// Called for every open row by kpi.query, whose arguments it takes: what they expect is read at the
// first.
KPI_FUNCTION(expected_so_far) {
    Expected *expected = expected_of(fcinfo->flinfo);
    const std::string arguments = request_bytes(fcinfo);
    auto read = expected->values.find(arguments);
    if (read == expected->values.end()) {
        const kpi::pg::Spi spi;
        auto values = kpi::engine::expectations(read_request(fcinfo));
        if (expected->values.size() >= kMostExpected) expected->values.clear();
        read = expected->values.emplace(arguments, std::move(values)).first;
    }
    const auto found = read->second.find({PG_GETARG_TIMESTAMPTZ(kRequestArguments),
                                          text_argument(fcinfo, kRequestArguments + 1),
                                          *kpi::pg::bytes_argument(fcinfo, kRequestArguments + 2)});
    if (found == read->second.end()) PG_RETURN_NULL();
    return kpi::pg::numeric_datum(found->second);
}

KPI_FUNCTION(query_json) {
    std::string json;
    {
        const kpi::pg::Spi spi;
        kpi::engine::JsonRequest request;
        request.metric = optional_text(fcinfo, 0);
        request.start = text_or(fcinfo, 1, "7d");
        request.end = optional_text(fcinfo, 2);
        request.country = optional_text(fcinfo, 3);
        request.source = optional_text(fcinfo, 4);
        request.aggregate = text_or(fcinfo, 5, "daily");
        request.limit = row_limit(fcinfo, 6);
        if (request.limit == 0) request.limit = kNoLimit;
        request.filters = text_or(fcinfo, 7, "{}");
        json = kpi::engine::query_json(request);
    }
    const char *characters = json.c_str();
    return kpi::pg::call(
        [&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(characters)); });
}

KPI_FUNCTION(value) {
    kpi::Cell value;
    {
        const kpi::pg::Spi spi;
        kpi::engine::ValueRequest request{
            text_argument(fcinfo, 0), {}, text_or(fcinfo, 2, "{}"), text_or(fcinfo, 3, "day")};
        if (PG_ARGISNULL(1)) throw kpi::Error("22004", "argument \"at\" must not be null");
        request.at = {PG_GETARG_TIMESTAMPTZ(1)};
        if (TIMESTAMP_NOT_FINITE(request.at.microseconds))
            throw kpi::Error("22023", "argument \"at\" must be a finite time");
        value = kpi::engine::value_at(request);
    }
    if (!value) PG_RETURN_NULL();
    const char *digits = value->c_str();
    return kpi::pg::call([&] {
        return DirectFunctionCall3(numeric_in, CStringGetDatum(digits),
                                   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
    });
}

KPI_FUNCTION(rolling) {
    kpi::Cell value;
    {
        const kpi::pg::Spi spi;
        kpi::engine::RollingRequest request{
            text_argument(fcinfo, 0), kpi::kHour, {}, text_or(fcinfo, 3, "{}")};
        if (!PG_ARGISNULL(1)) {
            const Interval *length = PG_GETARG_INTERVAL_P(1);
            if (length->month != 0)
                throw kpi::Error("22023", "argument \"length\" must not count in months or years",
                                 {}, "For example '60 minutes' or '30 days'.");
            if (length->day > 366 || length->day < -366)
                throw kpi::Error("22023", "argument \"length\" must be at most 366 days");
            request.length = length->time + int64_t(length->day) * kpi::kDay;
        }
        if (!PG_ARGISNULL(2)) {
            request.at = kpi::Timestamp{PG_GETARG_TIMESTAMPTZ(2)};
            if (TIMESTAMP_NOT_FINITE(request.at->microseconds))
                throw kpi::Error("22023", "argument \"at\" must be a finite time");
        }
        value = kpi::engine::rolling(request);
    }
    if (!value) PG_RETURN_NULL();
    return kpi::pg::numeric_datum(*value);
}

KPI_FUNCTION(recent) {
    kpi::pg::ResultSet out(fcinfo);
    const kpi::pg::Spi spi;
    if (PG_ARGISNULL(1)) throw kpi::Error("22004", "argument \"n\" must not be null");
    kpi::engine::recent(text_argument(fcinfo, 0), PG_GETARG_INT32(1), text_or(fcinfo, 2, "{}"),
                        out);
    return Datum(0);
}
