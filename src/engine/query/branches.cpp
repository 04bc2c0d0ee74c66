#include "engine/query/branches.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/capture/own_changes.hpp"
#include "engine/query/layers.hpp"

namespace kpi::engine {
namespace {

// Every dimension of the level that answers the query, and whether all of them are pinned to given
// values.
struct Level {
    int mask = 0;
    bool pinned = false;
};

Level choose_level(const BranchShape &shape) {
    if (shape.counted != nullptr)
        return {shape.use->info.kept_level(shape.counted->position), false};
    int needed = 0;
    int equal = 0;
    for (const int dimension : shape.key_dimensions) needed |= 1 << dimension;
    for (const BoundFilter &bound : shape.filters) {
        needed |= 1 << bound.dimension;
        if (bound.filter.is_equality()) equal |= 1 << bound.dimension;
    }
    const int mask = level_with(shape.use->info, needed);
    return {mask, mask != 0 && (equal & mask) == mask};
}

// The index finds a pinned segment by the hash of its row, in which dimensions outside the level
// are NULL.
std::string row_hash(const BranchShape &shape) {
    std::string columns;
    for (size_t i = 1; i <= shape.use->info.dimensions.size(); ++i)
        columns += fmt::format("{}x.d{}", i == 1 ? "" : ", ", i);
    for (const KeptInfo &kept : shape.use->info.kept)
        columns += fmt::format(", x.v{}", kept.position);
    return fmt::format("hash_record_extended(ROW({}), 0)", columns);
}

// SQL for a relation h(hash): those of the pinned segments, each once.
std::string pinned_hashes(const BranchShape &shape, int mask) {
    std::string values, from;
    const auto &dimensions = shape.use->info.dimensions;
    for (size_t i = 0; i < dimensions.size(); ++i) {
        const std::string comma = i == 0 ? "" : ", ";
        if ((mask >> i & 1) == 0) {
            values += fmt::format("{}NULL::{}", comma, dimensions[i].type);
            continue;
        }
        const auto bound =
            std::find_if(shape.filters.begin(), shape.filters.end(),
                         [&](const BoundFilter &f) { return f.dimension == int(i); });
        const std::string collate =
            dimensions[i].collation.empty() ? "" : " COLLATE " + dimensions[i].collation;
        values += fmt::format("{}f{}.v::{}{}", comma, i + 1, dimensions[i].type, collate);
        const char *null = bound->filter.with_null ? " || NULL::text" : "";
        from += fmt::format("{}unnest({}{}) f{}(v)", from.empty() ? "" : ", ", bound->values, null,
                            i + 1);
    }
    for (size_t i = 0; i < shape.use->info.kept.size(); ++i) values += ", NULL::text";
    return fmt::format(
        "(SELECT DISTINCT hash_record_extended(ROW({}), 0) AS hash FROM {} OFFSET 0) h", values,
        from);
}

std::string day_number(const std::string &day) { return day + " - date '2000-01-01'"; }
std::string day_at(const std::string &number) { return "date '2000-01-01' + " + number; }

// One layer as SQL: what a row x must be looked up by.
struct BoundLayer {
    std::string read;         // of x; NULL or negative: none
    std::string place;        // column `place` of x, looked up once for every row; empty: no such
    std::string ranges;       // relation g(a, b) or g(a, b, hour_from, hour_to)
    std::string exact;        // a condition that the looked-up read needs
    std::string cut, weight;  // of x; empty: every hour counts in full
    bool hours = false;
};

BoundLayer bind_layer(const DayLayer &layer, Binder &binder) {
    BoundLayer out;
    out.read = fmt::format("({})[x.day - {} + 1]", binder.bind(layer.reads, "int4[]"),
                           binder.bind(layer.base, "date"));
    out.ranges = fmt::format("unnest({}, {}) g(a, b)", binder.bind(layer.from, "int4[]"),
                             binder.bind(layer.to, "int4[]"));
    return out;
}

BoundLayer bind_layer(const HourLayer &layer, Binder &binder) {
    BoundLayer out;
    out.hours = true;
    out.place = fmt::format("width_bucket(x.hour, {})", binder.bind(layer.starts, "timestamptz[]"));
    const std::string place = "x.place";
    out.read = fmt::format("({})[{}]", binder.bind(layer.reads, "int4[]"), place);
    out.exact =
        fmt::format("{} = ({})[{}]", day_number("x.day"), binder.bind(layer.days, "int4[]"), place);
    out.ranges = fmt::format(
        "unnest({}, {}, {}, {}) g(a, b, hour_from, hour_to)", binder.bind(layer.day_from, "int4[]"),
        binder.bind(layer.day_to, "int4[]"), binder.bind(layer.from, "timestamptz[]"),
        binder.bind(layer.to, "timestamptz[]"));
    if (!layer.cuts_any) return out;
    out.cut = fmt::format("({})[{}]", binder.bind(layer.cuts, "timestamptz[]"), place);
    out.weight = fmt::format("({})[{}] * 0.0001", binder.bind(layer.weights, "int4[]"), place);
    return out;
}

// Of an hour that counts in part nobody knows which values: it counts in full or not at all.
std::string counted_columns(const CountedInfo &measure, const BoundLayer &layer) {
    const std::string out = fmt::format(", x.v{}, ", measure.position);
    if (layer.cut.empty()) return out + "x.n::int8";
    return out +
           fmt::format("CASE WHEN x.hour < {0} OR (x.hour = {0} AND {1} >= 0.5) THEN x.n::int8 END",
                       layer.cut, layer.weight);
}

std::string measure_columns(const BranchShape &shape, const BoundLayer &layer) {
    if (shape.counted != nullptr) return counted_columns(*shape.counted, layer);
    std::string out = ", x.n::int8";
    if (!shape.measures) return out;
    for (const MeasureInfo &measure : shape.use->measures) {
        const std::string m = fmt::format("x.m{}", measure.position);
        out += layer.cut.empty()
                   ? ", " + m
                   : fmt::format(
                         ", CASE WHEN x.hour < {1} THEN {0} WHEN x.hour = {1} THEN {0} * "
                         "{2} END",
                         m, layer.cut, layer.weight);
        if (measure.kind != MeasureKind::numeric) continue;
        for (const char *counter : {"_nan", "_pinf", "_ninf"})
            out += layer.cut.empty() ? fmt::format(", {}{}", m, counter)
                                     : fmt::format(", CASE WHEN x.hour <= {} THEN {}{} END",
                                                   layer.cut, m, counter);
    }
    for (const CountedInfo &measure : shape.use->counted)
        out += fmt::format(", {}", null_of(measure));
    return out;
}

std::string all_of(const std::vector<std::string> &conditions) {
    std::string out;
    for (const std::string &condition : conditions)
        if (!condition.empty()) out += (out.empty() ? "" : " AND ") + condition;
    return out.empty() ? "true" : out;
}

std::string filter_conditions(const BranchShape &shape) {
    std::vector<std::string> out;
    for (const BoundFilter &bound : shape.filters)
        out.push_back(condition(bound.filter, shape.use->info.dimensions[size_t(bound.dimension)],
                                fmt::format("x.d{}", bound.dimension + 1), bound.values));
    return all_of(out);
}

// One SELECT over `from`, which has an x.
std::string select(const BranchShape &shape, const BoundLayer &layer, const std::string &from,
                   const std::string &where) {
    std::string sql = "SELECT " + layer.read;
    for (const std::string &key : shape.keys) sql += ", " + key;
    sql += shape.before + measure_columns(shape, layer) + shape.after + " FROM ";
    sql += layer.place.empty()
               ? from
               : fmt::format("(SELECT x.*, {} AS place FROM {} OFFSET 0) x", layer.place, from);
    return sql + " WHERE " + all_of({layer.read + " >= 0", layer.exact, where});
}

// The rollup's rows in the ranges of a layer: ranges outside, the index inside, whatever the
// statistics say (OFFSET 0 keeps the subquery what it is).
std::string rollup_rows(const BranchShape &shape, const BoundLayer &layer, const char *rollup,
                        const Level &level, const std::string &where) {
    std::vector<std::string> at = {fmt::format("x.level = {}", level.mask)};
    std::string from = layer.ranges;
    // A day by equality, so that the index goes on to the hash.
    if (level.pinned) {
        from += " CROSS JOIN " + pinned_hashes(shape, level.mask);
        at.push_back("x.day = " + day_at("g.a"));
        at.push_back(row_hash(shape) + " = h.hash");
    } else {
        at.push_back("x.day >= " + day_at("g.a"));
        at.push_back((layer.hours ? "x.day <= " : "x.day < ") + day_at("g.b"));
    }
    if (layer.hours) at.emplace_back("x.hour >= g.hour_from AND x.hour < g.hour_to");
    at.push_back(where);
    return fmt::format("{} CROSS JOIN LATERAL (SELECT * FROM {} x WHERE {} OFFSET 0) x", from,
                       data_table(shape.use->info.name, rollup), all_of(at));
}

std::vector<std::string> also(std::vector<std::string> conditions,
                              const std::vector<std::string> &more) {
    conditions.insert(conditions.end(), more.begin(), more.end());
    return conditions;
}

}  // namespace

std::string Binder::bind(Param param, const char *type) {
    params_.push_back(std::move(param));
    return fmt::format("${}::{}", params_.size(), type);
}

const char *null_of(const CountedInfo &measure) {
    return measure.kind == CountedKind::percentiles ? "NULL::int8[]" : "NULL::numeric";
}

FactsDays facts_days(const SourceUse &use, const Plan &plan) {
    FactsDays out;
    std::vector<Date> wanted;
    if (!use.days.dirty.empty())
        for (const int32_t day : plan.days.day)
            if (use.days.dirty.contain({day})) wanted.push_back({day});
    for (const int32_t number : plan.hours.day) {
        const Date day{number};
        const bool dirty = use.days.dirty.contain(day);
        const bool old = day < use.days.hours_from && !use.days.hours_lost(day);
        if (!dirty && old) out.old_hours = true;
        if (dirty || old) wanted.push_back(day);
    }
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    for (const Date day : wanted) {
        out.dirty = out.dirty || use.days.dirty.contain(day);
        out.days.add(day);
    }
    return out;
}

// The row that tells the shape is a scan and no NULL::type: a kept plan forgets a type only when it
// scans the table, and a source that was tracked anew has another table of that name.
std::string facts_rows(const std::string &name, const char *function, const SourceUse &use,
                       const std::string &range, int needed) {
    return fmt::format(
        "{} AS MATERIALIZED (SELECT * FROM kpi.{}((SELECT d FROM {} d LIMIT 0), {}, {}))", name,
        function, data_table(use.info.name, "delta"), range, needed);
}

int needed_values(const SourceUse &use) {
    int out = 0;
    for (const CountedInfo &measure : use.counted) {
        out |= 1 << (int(use.info.dimension_count) + measure.position - 1);
        if (measure.is_timed()) out |= (1 << use.info.dimension_count) - 1;
    }
    return out;
}

std::string branches(const BranchShape &shape, const Plan &plan, int source, Binder &binder) {
    const std::string facts = fmt::format("facts{}", source);
    const SourceUse &use = *shape.use;
    const FactsDays from_facts = facts_days(use, plan);
    const Level level = choose_level(shape);
    std::vector<std::string> clean, kept, live;
    const std::string dirty = from_facts.dirty ? binder.bind(use.dirty_text, "datemultirange") : "";
    if (from_facts.dirty) clean.push_back(fmt::format("NOT x.day <@ {}", dirty));
    if (from_facts.old_hours)
        kept.push_back("x.day >= " + binder.bind(use.info.hours_from, "date"));
    if (use.info.frozen_before != "-infinity")
        live.push_back("x.day >= " + binder.bind(use.info.frozen_before, "date"));
    const std::string filters = filter_conditions(shape);
    // In a rollup the level tells sums and values apart.
    const std::string kind = shape.counted == nullptr
                                 ? use.info.holds_sums("x.")
                                 : fmt::format("x.v{} IS NOT NULL", shape.counted->position);
    const std::string delta = data_table(use.info.name, "delta");
    const std::string pending = fmt::format("kpi._pending(NULL::{})", delta);
    std::vector<BoundLayer> layers;
    for (const DayLayer &layer : day_layers(plan.days, level.pinned))
        layers.push_back(bind_layer(layer, binder));
    for (const HourLayer &layer : hour_layers(plan.hours, level.pinned))
        layers.push_back(bind_layer(layer, binder));
    std::vector<std::string> parts;
    for (const BoundLayer &layer : layers) {
        const auto good = layer.hours ? also(clean, kept) : clean;
        const std::string recent = all_of(also(also(good, live), {filters, kind}));
        const char *rollup = layer.hours ? "rollup_hour" : "rollup_day";
        parts.push_back(
            select(shape, layer,
                   rollup_rows(shape, layer, rollup, level, all_of(also(good, {filters}))), ""));
        parts.push_back(select(shape, layer, delta + " x", recent));
        if (capture::has_own_changes())
            parts.push_back(select(shape, layer, pending + " x", recent));
        if (from_facts.days.empty() || (!layer.hours && !from_facts.dirty)) continue;
        // DaySet that only their hours brought into the facts are no news for the day rollup.
        const bool mixed = !layer.hours && from_facts.old_hours;
        parts.push_back(
            select(shape, layer, facts + " x",
                   all_of({mixed ? fmt::format("x.day <@ {}", dirty) : "", filters, kind})));
    }
    for (const HourLayer &layer : hour_layers(plan.minutes.hours, level.pinned))
        parts.push_back(select(shape, bind_layer(layer, binder), fmt::format("minutes{} x", source),
                               all_of({filters, kind})));
    for (const HourLayer &past : hour_layers(plan.so_far, level.pinned)) {
        const BoundLayer layer = bind_layer(past, binder);
        parts.push_back(
            select(shape, layer, rollup_rows(shape, layer, "so_far", level, filters), ""));
    }
    std::string out;
    for (const std::string &part : parts) out += (out.empty() ? "" : "\nUNION ALL ") + part;
    return out;
}

}  // namespace kpi::engine
