#include "engine/query/layers.hpp"

#include <algorithm>
#include <map>

namespace kpi::engine {
namespace {

using DayMap = std::map<int32_t, int32_t>;  // day to read
using HourMap = std::map<int64_t, size_t>;  // start to place in HourReads

// DaySet [from, to] of one read.
bool is_free(const DayMap &taken, int32_t from, int32_t to) {
    const auto next = taken.lower_bound(from);
    return next == taken.end() || next->first > to;
}

// Spans mostly come in their order, behind all that is taken.
bool is_behind(const HourMap &taken, const HourReads &all, size_t span) {
    return taken.empty() || all.to[taken.rbegin()->second] <= all.from[span];
}

bool is_free(const HourMap &taken, const HourReads &all, size_t span) {
    if (is_behind(taken, all, span)) return true;
    const auto next = taken.lower_bound(all.from[span]);
    if (next != taken.end() && next->first < all.to[span]) return false;
    return next == taken.begin() || all.to[std::prev(next)->second] <= all.from[span];
}

DayLayer to_layer(const DayMap &days, bool apart) {
    DayLayer layer;
    layer.base = {days.begin()->first};
    layer.reads.assign(size_t(days.rbegin()->first - layer.base.days) + 1, -1);
    for (const auto &[day, read] : days) {
        layer.reads[size_t(day - layer.base.days)] = read;
        if (!apart && !layer.to.empty() && layer.to.back() == day) {
            layer.to.back() = day + 1;
        } else {
            layer.from.push_back(day);
            layer.to.push_back(day + 1);
        }
    }
    return layer;
}

void add_span(HourLayer &layer, Timestamp start, int32_t read, int32_t day, Timestamp cut,
              int32_t weight) {
    layer.starts.push_back(start);
    layer.reads.push_back(read);
    layer.days.push_back(day);
    layer.cuts.push_back(cut);
    layer.weights.push_back(weight);
}

// Widens the last range by a span, or begins another one.
void visit(HourLayer &layer, int32_t day, Timestamp from, Timestamp to, bool apart) {
    const bool joins = !layer.day_to.empty() &&
                       (layer.day_to.back() == day || (!apart && layer.day_to.back() + 1 == day));
    if (!joins) {
        layer.day_from.push_back(day);
        layer.day_to.push_back(day);
        layer.from.push_back(from);
        layer.to.push_back(to);
        return;
    }
    layer.day_to.back() = day;
    layer.from.back() = std::min(layer.from.back(), from);
    layer.to.back() = std::max(layer.to.back(), to);
}

HourLayer to_layer(const HourMap &spans, const HourReads &all, bool apart) {
    HourLayer layer;
    for (auto span = spans.begin(); span != spans.end(); ++span) {
        const size_t i = span->second;
        const auto next = std::next(span);
        add_span(layer, {all.from[i]}, all.read[i], all.day[i], {all.cut[i]}, all.weight[i]);
        layer.cuts_any = layer.cuts_any || all.cut[i] < all.to[i];
        if (next == spans.end() || next->first > all.to[i])
            add_span(layer, {all.to[i]}, -1, all.day[i], {all.cut[i]}, 0);
        visit(layer, all.day[i], {all.from[i]}, {all.to[i]}, apart);
    }
    return layer;
}

}  // namespace

std::vector<DayLayer> day_layers(const DayReads &reads, bool apart) {
    std::vector<DayMap> layers;
    for (size_t i = 0; i < reads.read.size();) {
        size_t end = i + 1;
        while (end < reads.read.size() && reads.read[end] == reads.read[i]) ++end;
        auto layer = std::find_if(layers.begin(), layers.end(), [&](const DayMap &taken) {
            return is_free(taken, reads.day[i], reads.day[end - 1]);
        });
        if (layer == layers.end()) layer = layers.emplace(layer);
        for (size_t k = i; k < end; ++k) layer->emplace(reads.day[k], reads.read[k]);
        i = end;
    }
    std::vector<DayLayer> out;
    out.reserve(layers.size());
    for (const DayMap &layer : layers) out.push_back(to_layer(layer, apart));
    return out;
}

std::vector<HourLayer> hour_layers(const HourReads &reads, bool apart) {
    std::vector<HourMap> layers;
    for (size_t i = 0; i < reads.read.size(); ++i) {
        if (reads.from[i] >= reads.to[i]) continue;
        auto layer = std::find_if(layers.begin(), layers.end(),
                                  [&](const HourMap &taken) { return is_free(taken, reads, i); });
        if (layer == layers.end()) layer = layers.emplace(layer);
        layer->emplace_hint(layer->end(), reads.from[i], i);
    }
    std::vector<HourLayer> out;
    out.reserve(layers.size());
    for (const HourMap &layer : layers) out.push_back(to_layer(layer, reads, apart));
    return out;
}

}  // namespace kpi::engine
