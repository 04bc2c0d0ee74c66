// What rendering costs: 1000 segments over 120 days (600,000 cells) in each format, as a ratio to
// the csv, in time of the processor, the best of three. Build with optimisation:
//   cmake -S . -B build/bench && cmake --build build/bench --target bench_report_formats
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <ctime>
#include <functional>

#include "report/csv.hpp"
#include "report/html.hpp"
#include "report/json.hpp"
#include "report/plain.hpp"
#include "report/xlsx.hpp"
#include "unit/report/samples.hpp"

namespace {

using namespace kpi::report;

double seconds_of(const std::function<std::string()> &render, size_t &bytes) {
    double best = 1e9;
    for (int run = 0; run < 3; ++run) {
        const std::clock_t start = std::clock();
        bytes = render().size();
        best = std::min(best, double(std::clock() - start) / CLOCKS_PER_SEC);
    }
    return best;
}

long peak_megabytes() {
    rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

}  // namespace

int main() {
    const Document document = samples::large(1000, 120);
    // the data once is what a workbook of it takes
    Document data = document;
    data.sections.clear();
    fmt::print("1000 segments x 120 days; {} MB before rendering\n", peak_megabytes());
    double csv_seconds = 0;
    const auto measure = [&](const char *name, const std::function<std::string()> &render) {
        size_t bytes = 0;
        const double seconds = seconds_of(render, bytes);
        if (csv_seconds == 0) csv_seconds = seconds;
        fmt::print("{:<5} {:>7.3f} s  {:>6.1f} x csv  {:>6.1f} MB  peak {} MB\n", name, seconds,
                   seconds / csv_seconds, double(bytes) / 1e6, peak_megabytes());
    };
    measure("csv", [&] { return csv(*data.data); });
    measure("json", [&] { return json(data); });
    measure("text", [&] { return plain(document, Extent::full); });
    measure("html", [&] { return html(document); });
    measure("mail", [&] { return mail_html(document); });
    measure("xlsx", [&] { return xlsx(data, {}); });
}
