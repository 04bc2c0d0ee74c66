#include "engine/query/branches.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/capture/own.hpp"

namespace kpi::engine {
namespace {

enum class Part { days, hours };

// Every dimension of the level that answers the query, and whether all of them are pinned to given
// values.
struct Level {
    int mask = 0;
    bool pinned = false;
};

Level choose_level(const BranchShape &shape) {
    const int full = shape.use->info.full_level();
    int needed = 0;
    int equal = 0;
    for (const int dimension : shape.key_dimensions) needed |= 1 << dimension;
    for (const BoundFilter &bound : shape.filters) {
        needed |= 1 << bound.dimension;
        if (bound.filter.is_equality()) equal |= 1 << bound.dimension;
    }
    const bool single = (needed & (needed - 1)) == 0;
    const int mask = single ? needed : full;
    return {mask, mask != 0 && (equal & mask) == mask};
}

// The index finds a pinned segment by the hash of its row, in which dimensions outside the level
// are NULL.
std::string pinned_hash(const BranchShape &shape, int mask) {
    std::string columns, values, from;
    const auto &dimensions = shape.use->info.dimensions;
    for (size_t i = 0; i < dimensions.size(); ++i) {
        const std::string comma = i == 0 ? "" : ", ";
        columns += fmt::format("{}x.d{}", comma, i + 1);
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
    return fmt::format(
        "hash_record_extended(ROW({}), 0) = ANY (ARRAY(SELECT hash_record_extended(ROW({}), 0) "
        "FROM {}))",
        columns, values, from);
}

std::string measure_columns(const BranchShape &shape, Part part) {
    std::string out = ", x.n::int8";
    if (!shape.measures) return out;
    for (const MeasureInfo &measure : shape.use->measures) {
        const std::string m = fmt::format("x.m{}", measure.position);
        if (part == Part::hours)
            out += fmt::format(
                ", CASE WHEN x.hour < r.cut THEN {0} WHEN x.hour = r.cut THEN {0} * r.weight END",
                m);
        else
            out += ", " + m;
        if (measure.kind != MeasureKind::numeric) continue;
        for (const char *counter : {"_nan", "_pinf", "_ninf"})
            out += part == Part::hours
                       ? fmt::format(", CASE WHEN x.hour <= r.cut THEN {}{} END", m, counter)
                       : fmt::format(", {}{}", m, counter);
    }
    return out;
}

// One SELECT; `where` conditions are joined by AND.
std::string select(const BranchShape &shape, Part part, const std::string &relation,
                   std::vector<std::string> where) {
    std::string sql = "SELECT r.read";
    for (const std::string &key : shape.keys) sql += ", " + key;
    sql += shape.before + measure_columns(shape, part) + shape.after;
    sql += part == Part::hours ? " FROM rh r JOIN " : " FROM rd r JOIN ";
    sql += relation + " x ON x.day = r.day";
    if (part == Part::hours) sql += " AND x.hour >= r.hour_from AND x.hour < r.hour_to";
    if (!shape.reads.empty()) where.push_back(shape.reads);
    for (const BoundFilter &bound : shape.filters) {
        const std::string column = fmt::format("x.d{}", bound.dimension + 1);
        where.push_back(condition(bound.filter, shape.use->info.dimensions[size_t(bound.dimension)],
                                  column, bound.values));
    }
    for (size_t i = 0; i < where.size(); ++i) sql += (i == 0 ? " WHERE " : " AND ") + where[i];
    return sql;
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

std::string branches(const BranchShape &shape, const Plan &plan, const std::string &facts,
                     Binder &binder) {
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
    std::vector<std::string> at_level = {fmt::format("x.level = {}", level.mask)};
    if (level.pinned) at_level.push_back(pinned_hash(shape, level.mask));

    const std::string delta = data_table(use.info.name, "delta");
    const std::string pending = fmt::format("kpi._pending(NULL::{})", delta);
    std::vector<std::string> parts;
    for (const Part part : {Part::days, Part::hours}) {
        const bool hourly = part == Part::hours;
        if (hourly ? plan.hours.read.empty() : plan.days.read.empty()) continue;
        const auto good = hourly ? also(clean, kept) : clean;
        const auto recent = also(good, live);
        parts.push_back(select(shape, part,
                               data_table(use.info.name, hourly ? "rollup_hour" : "rollup_day"),
                               also(at_level, good)));
        parts.push_back(select(shape, part, delta, recent));
        if (capture::has_own_changes()) parts.push_back(select(shape, part, pending, recent));
        if (from_facts.days.empty() || (!hourly && !from_facts.dirty)) continue;
        // Days that only their hours brought into the facts are no news for the day rollup.
        const bool mixed = !hourly && from_facts.old_hours;
        parts.push_back(select(
            shape, part, facts,
            mixed ? std::vector{fmt::format("x.day <@ {}", dirty)} : std::vector<std::string>{}));
    }
    std::string out;
    for (const std::string &part : parts) out += (out.empty() ? "" : "\nUNION ALL ") + part;
    return out;
}

}  // namespace kpi::engine
