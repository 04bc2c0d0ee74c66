// Window functions of detection: kpi.zscore, kpi.robust_z, kpi.ratio_avg, kpi.percentile_band. One
// pass over the partition; the baseline lives in the partition's memory and never holds the tested
// row.
#include <cmath>

#include "detect/window.hpp"
#include "pg/guard.hpp"

namespace {

using kpi::detect::Memory;
using kpi::detect::Window;

constexpr int kLongestWindow = 10000;

enum class Sorted { no, yes };

// The partition's window, its ring and its ascending copy in one piece of memory.
struct Baseline {
    Window *window = nullptr;
    Memory memory;
};

struct Row {
    double value = 0;
    bool missing = false;
    Baseline baseline;
};

int window_argument(WindowObject object, int argument) {
    bool null = false;
    const int size =
        kpi::pg::call([&] { return DatumGetInt32(WinGetFuncArgCurrent(object, argument, &null)); });
    if (null || size < 2 || size > kLongestWindow) {
        throw kpi::Error("22023", "window must be between 2 and 10000 rows");
    }
    return size;
}

double quantile_argument(WindowObject object, int argument) {
    bool null = false;
    const double q = kpi::pg::call(
        [&] { return DatumGetFloat8(WinGetFuncArgCurrent(object, argument, &null)); });
    if (null || !(q >= 0 && q <= 1)) {
        throw kpi::Error("22023", "lo and hi must be between 0 and 1");
    }
    return q;
}

Row read_row(WindowObject object, int window_at, Sorted sorted) {
    Row row;
    const int size = window_argument(object, window_at);
    const int copies = sorted == Sorted::yes ? 2 : 1;
    const std::size_t bytes =
        sizeof(Window) + static_cast<std::size_t>(copies * size) * sizeof(double);
    void *memory = nullptr;
    kpi::pg::call([&] {
        row.value = DatumGetFloat8(WinGetFuncArgCurrent(object, 0, &row.missing));
        memory = WinGetPartitionLocalMemory(object, bytes);
    });
    row.missing = row.missing || !std::isfinite(row.value);
    Baseline &b = row.baseline;
    b.window = static_cast<Window *>(memory);
    if (b.window->capacity == 0) b.window->capacity = size;
    if (b.window->capacity != size) {
        throw kpi::Error("22023", "window must be the same in every row of a partition");
    }
    auto *numbers = reinterpret_cast<double *>(b.window + 1);
    const auto count = static_cast<std::size_t>(size);
    b.memory.ring = {numbers, count};
    if (sorted == Sorted::yes) b.memory.ascending = {numbers + count, count};
    return row;
}

Datum finish(FunctionCallInfo fcinfo, const Row &row, std::optional<double> score) {
    if (!row.missing) kpi::detect::push(*row.baseline.window, row.baseline.memory, row.value);
    if (score && !row.missing) return Float8GetDatum(*score);
    fcinfo->isnull = true;
    return Datum{0};
}

}  // namespace

KPI_FUNCTION(zscore) {
    const Row row = read_row(PG_WINDOW_OBJECT(), 1, Sorted::no);
    return finish(fcinfo, row, kpi::detect::zscore(*row.baseline.window, row.value));
}

KPI_FUNCTION(robust_z) {
    const Row row = read_row(PG_WINDOW_OBJECT(), 1, Sorted::yes);
    return finish(fcinfo, row,
                  kpi::detect::robust_z(*row.baseline.window, row.baseline.memory, row.value));
}

KPI_FUNCTION(ratio_avg) {
    const Row row = read_row(PG_WINDOW_OBJECT(), 1, Sorted::no);
    return finish(fcinfo, row, kpi::detect::ratio(*row.baseline.window, row.value));
}

KPI_FUNCTION(percentile_band) {
    const WindowObject object = PG_WINDOW_OBJECT();
    const double lo = quantile_argument(object, 1), hi = quantile_argument(object, 2);
    if (lo >= hi) throw kpi::Error("22023", "lo must be less than hi");
    const Row row = read_row(object, 3, Sorted::yes);
    return finish(
        fcinfo, row,
        kpi::detect::percentile_band(*row.baseline.window, row.baseline.memory, row.value, lo, hi));
}
