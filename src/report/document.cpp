#include "report/document.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"

namespace kpi::report {

const Metric &metric_of(const Document &document, std::string_view name) {
    const auto found = std::find_if(document.metrics.begin(), document.metrics.end(),
                                    [&](const Metric &metric) { return metric.name == name; });
    if (found == document.metrics.end())
        throw Error("22023",
                    fmt::format("the report \"{}\" knows no metric \"{}\"", document.name, name));
    return *found;
}

const std::string &title_of(const Metric &metric) {
    return metric.title.empty() ? metric.name : metric.title;
}

}  // namespace kpi::report
