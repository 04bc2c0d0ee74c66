#include "engine/query/shown.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/error.hpp"
#include "pg/memory_bound.hpp"

namespace kpi::engine {
namespace {

constexpr int kMostAveraged = 1000;

constexpr std::array<std::pair<std::string_view, OrderColumn>, 6> kOrders = {
    {{"bucket", OrderColumn::bucket},
     {"segment", OrderColumn::segment},
     {"metric", OrderColumn::metric},
     {"value", OrderColumn::value},
     {"compared", OrderColumn::compared},
     {"change", OrderColumn::change}}};

// avg7: 7. 0: not such a word.
int averaged(const std::string &word) {
    if (!word.starts_with("avg") || word.size() < 4 || word.size() > 7) return 0;
    int number = 0;
    for (size_t i = 3; i < word.size(); ++i) {
        if (word[i] < '0' || word[i] > '9') return 0;
        number = number * 10 + (word[i] - '0');
    }
    return number >= 2 && number <= kMostAveraged ? number : 0;
}

// Of the segments' sum in the same bucket and metric; NULL where that is 0.
std::vector<std::vector<pg::Number>> shares(const Group &group, const Grid &grid) {
    const size_t buckets = grid.series.empty() ? 0 : grid.series[0].values.size();
    std::vector<std::vector<pg::Number>> totals(group.metrics.size(),
                                                std::vector<pg::Number>(buckets));
    for (const Series &series : grid.series)
        for (size_t i = 0; i < buckets; ++i) {
            pg::Number &total = totals[series.metric][i];
            if (!series.values[i]) continue;
            total = total ? pg::sum(total, series.values[i]) : series.values[i];
        }
    const pg::Number zero = pg::number(0);
    std::vector<std::vector<pg::Number>> out;
    for (const Series &series : grid.series) {
        auto &shares = out.emplace_back(buckets);
        for (size_t i = 0; i < buckets; ++i) {
            const pg::Number total = totals[series.metric][i];
            if (series.values[i] && total && pg::compare(total, zero) != 0)
                shares[i] = pg::quotient(series.values[i], total);
        }
    }
    return out;
}

std::vector<pg::Number> running(const Series &series) {
    std::vector<pg::Number> out;
    pg::Number total = pg::number(0);
    for (const pg::Number value : series.values) {
        if (value) total = pg::sum(total, value);
        out.push_back(total);
    }
    return out;
}

// NULL adds nothing.
pg::Number added(pg::Number a, pg::Number b) {
    if (!a || !b) return a ? a : b;
    return pg::sum(a, b);
}

// The mean of the last `width` buckets that have a value. A window is the end of one block of
// `width` buckets and the beginning of the next one, so that its cost does not grow with its width,
// and nothing is subtracted: NaN would stay. After van Herk (1992) and Gil, Werman (1993),
// "Computing 2-D min, median, and max filters", for sums.
std::vector<pg::Number> averages(const Series &series, int width) {
    std::vector<pg::Number> all = series.lead;
    all.insert(all.end(), series.values.begin(), series.values.end());
    const auto block = size_t(width);
    std::vector<pg::Number> from_begin = all, to_end = all;  // of the block, up to and from here
    std::vector<int64_t> counts(all.size() + 1);             // values before here
    for (size_t i = 0; i < all.size(); ++i) {
        counts[i + 1] = counts[i] + (all[i] ? 1 : 0);
        if (i % block != 0) from_begin[i] = added(from_begin[i - 1], all[i]);
    }
    for (size_t i = all.size(); i-- > 0;)
        if (i + 1 < all.size() && (i + 1) % block != 0) to_end[i] = added(all[i], to_end[i + 1]);
    std::vector<pg::Number> out;
    for (size_t end = series.lead.size() + 1; end <= all.size(); ++end) {
        const size_t begin = end - block;
        const int64_t count = counts[end] - counts[begin];
        const pg::Number total =
            begin % block == 0 ? to_end[begin] : added(to_end[begin], from_begin[end - 1]);
        out.push_back(count > 0 ? pg::quotient(total, pg::number(count)) : pg::Number{});
    }
    return out;
}

}  // namespace

Shown parse_shown(const std::vector<std::string> &words) {
    Shown out;
    for (const std::string &word : words) {
        if (word == "share")
            out.share = true;
        else if (word == "running")
            out.running = true;
        else if (const int width = averaged(word); width > 0 && out.average == 0)
            out.average = width;
        else
            throw Error("22023", fmt::format("\"{}\" cannot be shown", word), {},
                        "Use share, running, or one moving average over 2 to 1000 buckets such as "
                        "avg7.");
    }
    return out;
}

Extras extras(const Shown &shown, const Group &group, const Grid &grid) {
    Extras out;
    pg::MemoryBound bound;
    if (shown.share) out.share = shares(group, grid);
    for (const Series &series : grid.series) {
        bound.add(series.values.size() * sizeof(pg::Number));
        if (shown.running) out.running.push_back(running(series));
        if (shown.average > 0) out.average.push_back(averages(series, shown.average));
    }
    return out;
}

std::optional<Order> parse_order(const std::optional<std::string> &text) {
    if (!text) return std::nullopt;
    const size_t space = text->find(' ');
    const std::string column = text->substr(0, space);
    const std::string direction = space == std::string::npos ? "asc" : text->substr(space + 1);
    const auto *found = std::find_if(kOrders.begin(), kOrders.end(),
                                     [&](const auto &entry) { return entry.first == column; });
    if (found == kOrders.end() || (direction != "asc" && direction != "desc"))
        throw Error("22023", fmt::format("rows cannot be ordered by \"{}\"", *text), {},
                    "Use bucket, segment, metric, value, compared or change (value - compared), "
                    "alone or with asc or desc.");
    return Order{found->second, direction == "desc"};
}

}  // namespace kpi::engine
