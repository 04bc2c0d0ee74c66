// The window function of the detectors: kpi.anomaly, and kpi._judge with the effect of each
// calendar day. The partition's memory holds the detector; a reset callback of that memory destroys
// it.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "detect/detector.hpp"
#include "detect/reason.hpp"
#include "detect/request.hpp"
#include "pg/function.hpp"
#include "pg/guard.hpp"

namespace {

using namespace kpi::detect;  // NOLINT: this door speaks for the whole room

constexpr int64_t kMicrosPerHour = 3600 * INT64CONST(1000000);
constexpr int64_t kMicrosPerDay = 24 * kMicrosPerHour;
constexpr int64_t kDaysTo2000 = 10957;  // PostgreSQL counts from 2000, periods from 1970
constexpr int kColumns = 8;             // of kpi.verdict

// What a partition remembers: zeroed by PostgreSQL before its first row.
struct Partition {
    Detector *detector;
    MemoryContextCallback on_reset;
    Request request;
    int64_t last_at, last_period;
    bool any;
};

struct Row {
    double value = 0, denominator = 0;
    int64_t at = 0;
    bool no_value = false, no_at = false, no_denominator = false, no_event = false;
    Datum event = 0;
};

void destroy(void *partition) {
    const std::unique_ptr<Detector> owned(static_cast<Partition *>(partition)->detector);
}

Request read_request(WindowObject object, int argument) {
    bool null = false;
    char *text = kpi::pg::call([&]() -> char * {
        const Datum json = WinGetFuncArgCurrent(object, argument, &null);
        if (null) return nullptr;
        Jsonb *value = DatumGetJsonbP(json);
        return JsonbToCString(nullptr, &value->root, VARSIZE(value));
    });
    Request request;
    if (text == nullptr) return request;
    const auto options = nlohmann::json::parse(text);
    if (!options.is_object()) throw kpi::Error("22023", "options must be a JSON object");
    for (const auto &[name, value] : options.items()) {
        if (value.is_null()) continue;
        if (value.is_number()) {
            set_option(request, name, value.get<double>());
        } else if (value.is_string()) {
            set_option(request, name, std::string_view(value.get_ref<const std::string &>()));
        } else {
            throw kpi::Error("22023", fmt::format("option \"{}\" must be text or a number", name));
        }
    }
    return request;
}

// The least step between the first four rows of the partition; rows after the current one are asked
// for their time only, never for their value.
Frequency peek_grain(WindowObject object, int64_t first) {
    int64_t previous = first, least = 0;
    for (int k = 1; k <= 3; ++k) {
        bool null = false, out = false;
        const int64_t at = kpi::pg::call([&] {
            return DatumGetTimestampTz(
                WinGetFuncArgInPartition(object, 1, k, WINDOW_SEEK_CURRENT, false, &null, &out));
        });
        if (null || out) break;
        if (at > previous && (least == 0 || at - previous < least)) least = at - previous;
        previous = at;
    }
    return least == 0 ? Frequency::day : grain_of_step(static_cast<double>(least) / 1e6);
}

int64_t local_micros(int64_t at) {
    return kpi::pg::call([&] {
        return DatumGetTimestamp(
            DirectFunctionCall1(timestamptz_timestamp, TimestampTzGetDatum(at)));
    });
}

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

Partition &open_partition(WindowObject object, const Row &row, int options_at) {
    auto *partition = static_cast<Partition *>(
        kpi::pg::call([&] { return WinGetPartitionLocalMemory(object, sizeof(Partition)); }));
    if (partition->detector != nullptr) return *partition;
    Request request = read_request(object, options_at);
    if (!request.grain_given) request.options.grain = peek_grain(object, row.at);
    auto detector = std::make_unique<Detector>(request.method, request.options);
    partition->request = request;
    partition->on_reset.func = destroy;
    partition->on_reset.arg = partition;
    kpi::pg::call([&] {
        MemoryContextRegisterResetCallback(GetMemoryChunkContext(partition), &partition->on_reset);
    });
    partition->detector = detector.release();
    return *partition;
}

// The number of the row's period on its grid, and the share of it that is over.
Point place(Partition &p, const Row &row) {
    const Frequency grain = p.request.options.grain;
    const int64_t local = local_micros(row.at);
    Point point;
    int64_t width = 0;
    if (grain == Frequency::other) {
        point.period = p.any ? p.last_period + 1 : 0;
        if (p.any && row.at <= p.last_at) point.period = p.last_period;
    } else {
        width = grain == Frequency::day ? kMicrosPerDay : kMicrosPerHour;
        point.period = floor_div(local, width) + kDaysTo2000 * (kMicrosPerDay / width);
    }
    if (p.request.present == Present::complete || width == 0) return point;
    const int64_t now = kpi::pg::call([] { return GetCurrentTransactionStartTimestamp(); });
    const int64_t begun = local_micros(now) - floor_div(local, width) * width;
    if (begun >= 0 && begun < width) {
        point.fraction = std::max(static_cast<double>(begun) / static_cast<double>(width), 1e-6);
    }
    return point;
}

std::string event_name(const Row &row) {
    if (row.no_event) return {};
    char *name = kpi::pg::call([&] { return TextDatumGetCString(row.event); });
    return name;
}

bool is_worth_a_reason(const Verdict &v) {
    return v.is_anomaly || v.type == Type::suppressed || v.type == Type::partial;
}

Datum tuple_of(FunctionCallInfo fcinfo, const Verdict &v, const std::string &why) {
    TupleDesc shape = static_cast<TupleDesc>(fcinfo->flinfo->fn_extra);
    Datum values[kColumns] = {Float8GetDatum(v.score),
                              Float8GetDatum(v.p),
                              Float8GetDatum(v.expected),
                              Float8GetDatum(v.lower),
                              Float8GetDatum(v.upper),
                              BoolGetDatum(v.is_anomaly),
                              Datum{0},
                              Datum{0}};
    const bool judged = std::isfinite(v.expected);
    bool nulls[kColumns] = {!judged, !std::isfinite(v.p),  !judged,    !judged, !judged,
                            false,   v.type == Type::none, why.empty()};
    const std::string_view type = type_name(v.type);
    return kpi::pg::call([&] {
        if (shape == nullptr) {
            MemoryContext home = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
            get_call_result_type(fcinfo, nullptr, &shape);
            shape = BlessTupleDesc(shape);
            fcinfo->flinfo->fn_extra = shape;
            MemoryContextSwitchTo(home);
        }
        if (!nulls[6]) {
            values[6] = PointerGetDatum(cstring_to_text_with_len(type.data(), int(type.size())));
        }
        if (!nulls[7]) {
            values[7] = PointerGetDatum(cstring_to_text_with_len(why.data(), int(why.size())));
        }
        return HeapTupleGetDatum(heap_form_tuple(shape, values, nulls));
    });
}

// effect_at, share_at: 0 = the function has no such argument.
Datum judge(FunctionCallInfo fcinfo, int effect_at, int share_at, int options_at) {
    const WindowObject object = PG_WINDOW_OBJECT();
    Row row;
    kpi::pg::call([&] {
        row.value = DatumGetFloat8(WinGetFuncArgCurrent(object, 0, &row.no_value));
        row.at = DatumGetTimestampTz(WinGetFuncArgCurrent(object, 1, &row.no_at));
        row.denominator = DatumGetFloat8(WinGetFuncArgCurrent(object, 2, &row.no_denominator));
        row.event = WinGetFuncArgCurrent(object, 3, &row.no_event);
    });
    if (row.no_at || TIMESTAMP_NOT_FINITE(row.at)) {
        throw kpi::Error("22004", "the time \"at\" of a row must be finite and not null");
    }
    Partition &p = open_partition(object, row, options_at);
    Point point = place(p, row);
    if (share_at > 0) {
        bool null = true;
        const double share = kpi::pg::call(
            [&] { return DatumGetFloat8(WinGetFuncArgCurrent(object, share_at, &null)); });
        if (!null) point.fraction = std::clamp(share, 1e-6, 1.0);
    }
    if (!row.no_value) point.value = row.value;
    if (!row.no_denominator) point.denominator = row.denominator;
    const std::string event = event_name(row);
    if (!event.empty()) {
        point.event = event_id(event);
        point.effect = p.request.effect;
        bool null = true;
        if (effect_at > 0) {
            char *effect = kpi::pg::call([&]() -> char * {
                const Datum given = WinGetFuncArgCurrent(object, effect_at, &null);
                return null ? nullptr : TextDatumGetCString(given);
            });
            if (effect != nullptr) point.effect = effect_by_name(effect);
        }
    }
    // The hour that a clock set back repeats is no period of its own.
    Verdict v;
    if (p.any && point.period == p.last_period && row.at > p.last_at &&
        p.request.options.grain == Frequency::hour && row.at - p.last_at >= kMicrosPerHour) {
        v.type = Type::missing;
    } else {
        v = p.detector->observe(point);
    }
    p.any = true;
    p.last_at = row.at;
    p.last_period = point.period;
    std::string why;
    if (is_worth_a_reason(v)) why = reason(v, row.value, p.request.options.grain, event);
    return tuple_of(fcinfo, v, why);
}

}  // namespace

KPI_FUNCTION(anomaly) { return judge(fcinfo, 0, 0, 4); }

KPI_FUNCTION(judge) { return judge(fcinfo, 4, 5, 6); }
