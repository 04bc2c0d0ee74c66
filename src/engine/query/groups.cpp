#include "engine/query/groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/error.hpp"
#include "pg/clock.hpp"

namespace kpi::engine {
namespace {

// DaySet to be read from the facts views, by source. Raises 42501 for a source that the caller may
// not read.
std::map<std::string, std::string> dirty_days(const std::vector<std::string> &sources) {
    std::map<std::string, std::string> out;
    const Table table =
        pg::query("SELECT n, kpi._dirty_days(n) FROM pg_catalog.unnest($1) n", {sources}, kRead);
    for (const Row &row : table.rows) out[*row[0]] = row[1].value_or("{}");
    return out;
}

Timestamp as_of(const SourceInfo &source, Timestamp snapshot) {
    return source.computed_at ? std::min(snapshot, *source.computed_at) : snapshot;
}

void use_measures(SourceUse &use, const Metric &metric) {
    const auto add = [&](const auto &all, auto &used) {
        for (const auto &measure : all) {
            const auto same = [&](const auto &other) { return other.name == measure.name; };
            if (std::any_of(metric.measures.begin(), metric.measures.end(), same) &&
                std::none_of(used.begin(), used.end(), same))
                used.push_back(measure);
        }
    };
    add(use.info.measures, use.measures);
    add(use.info.counted, use.counted);
}

class Grouper {
public:
    Grouper(const std::vector<SourceInfo> &sources, std::map<std::string, std::string> dirty,
            Timestamp now)
        : sources_(sources), dirty_(std::move(dirty)), snapshot_(now) {}

    void add(Metric metric) {
        Timestamp now = snapshot_;
        const std::string zone = find(metric.sources[0]).timezone;
        for (const std::string &source : metric.sources) {
            now = std::min(now, as_of(find(source), snapshot_));
            if (find(source).timezone == zone) continue;
            throw Error(
                "55000",
                fmt::format("metric \"{}\" mixes sources of different time zones", metric.name), {},
                "Their days are not the same days. Track one of them in the other's zone.");
        }
        TimedGroup &timed = group_for(metric.owner, zone, now);
        for (const std::string &source : metric.sources)
            use_measures(use_of(timed.group, source), metric);
        timed.group.metrics.push_back(std::move(metric));
    }

    std::vector<TimedGroup> take() { return std::move(groups_); }

private:
    const SourceInfo &find(const std::string &name) const {
        return *std::find_if(sources_.begin(), sources_.end(),
                             [&](const SourceInfo &s) { return s.name == name; });
    }

    TimedGroup &group_for(ObjectId owner, const std::string &zone, Timestamp now) {
        for (TimedGroup &timed : groups_)
            if (timed.owner.value == owner.value && timed.zone == zone && timed.now == now)
                return timed;
        groups_.push_back({{}, owner, zone, now});
        return groups_.back();
    }

    SourceUse &use_of(Group &group, const std::string &name) {
        for (SourceUse &use : group.sources)
            if (use.info.name == name) return use;
        const SourceInfo &info = find(name);
        const std::string &dirty = dirty_.at(name);
        group.sources.push_back({info, SourceDays(info, dirty), dirty, {}, {}});
        return group.sources.back();
    }

    const std::vector<SourceInfo> &sources_;
    std::map<std::string, std::string> dirty_;
    Timestamp snapshot_;
    std::vector<TimedGroup> groups_;
};

std::vector<std::string> sources_of(const std::vector<Metric> &metrics) {
    std::vector<std::string> out;
    for (const Metric &metric : metrics)
        out.insert(out.end(), metric.sources.begin(), metric.sources.end());
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

bool has_dimensions(const Metric &metric, const std::vector<SourceInfo> &sources,
                    const std::vector<std::string> &dimensions) {
    return std::all_of(sources.begin(), sources.end(), [&](const SourceInfo &source) {
        if (std::find(metric.sources.begin(), metric.sources.end(), source.name) ==
            metric.sources.end())
            return true;
        return std::all_of(dimensions.begin(), dimensions.end(), [&](const std::string &dimension) {
            return source.dimension(dimension) >= 0;
        });
    });
}

void keep_those_with_dimensions(std::vector<Metric> &metrics,
                                const std::vector<SourceInfo> &sources,
                                std::vector<std::string> dimensions,
                                const std::vector<Filter> &filters) {
    for (const Filter &filter : filters) dimensions.push_back(filter.dimension);
    if (metrics.empty()) return;
    std::erase_if(metrics, [&](const Metric &metric) {
        return !has_dimensions(metric, sources, dimensions);
    });
    if (metrics.empty())
        throw Error("22023", "no metric has all the dimensions that are asked for", {},
                    "SELECT name, dimensions FROM kpi.source lists them.");
}

void refuse_duplicates(const std::vector<std::string> &names, const char *what) {
    for (size_t i = 0; i < names.size(); ++i)
        if (std::find(names.begin(), names.begin() + int64_t(i), names[i]) !=
            names.begin() + int64_t(i))
            throw Error("22023", fmt::format("{} \"{}\" is asked for twice", what, names[i]));
}

}  // namespace

std::vector<TimedGroup> load_groups(const std::optional<std::vector<std::string>> &names,
                                    const std::vector<std::string> &by,
                                    const std::string &filter_text,
                                    const std::optional<Timestamp> &now) {
    if (names) refuse_duplicates(*names, "metric");
    refuse_duplicates(by, "dimension");
    std::vector<Metric> metrics = names ? load_metrics(*names) : load_readable_metrics();
    const std::vector<Filter> filters = parse_filters(filter_text);
    // A total needs to know nothing about dimensions.
    const Dimensions dimensions =
        by.empty() && filters.empty() ? Dimensions::skip : Dimensions::load;
    const std::vector<SourceInfo> sources =
        load_sources(sources_of(metrics), pg::Access::read_only, dimensions);
    if (!names) keep_those_with_dimensions(metrics, sources, by, filters);
    for (const Filter &filter : filters)
        for (const SourceInfo &source : sources)
            if (const int place = source.dimension(filter.dimension); place >= 0)
                check_values(filter, source.dimensions[size_t(place)]);
    Grouper grouper(sources, dirty_days(sources_of(metrics)), now ? *now : pg::snapshot_time());
    for (Metric &metric : metrics) grouper.add(std::move(metric));
    std::vector<TimedGroup> groups = grouper.take();
    for (TimedGroup &timed : groups) {
        timed.group.filters = filters;
        timed.group.by = by;
    }
    return groups;
}

}  // namespace kpi::engine
