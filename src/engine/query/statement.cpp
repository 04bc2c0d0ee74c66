#include "engine/query/statement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "core/error.hpp"
#include "core/similar_names.hpp"
#include "engine/query/branches.hpp"

namespace kpi::engine {
namespace {

class Writer {
public:
    Writer(const Group &group, const Plan &plan) : group_(group), plan_(plan) {
        for (const Filter &filter : group.filters)
            filter_values_.push_back(binder_.bind(filter.values, "text[]"));
        for (const std::string &dimension : group.by) same_type_.push_back(has_one_type(dimension));
    }

    Statement cells() {
        const std::string facts = facts_of_sources();
        const std::string rows = union_of(true, true);
        if (rows.empty()) return {};
        pg::SumColumns columns{int(group_.by.size()), {}, "'{}'::jsonb"};
        if (segmented()) columns.label = "pg_catalog.jsonb_build_object(" + key_pairs() + ")";
        for (const SourceUse &use : group_.sources) {
            columns.parts.emplace_back();
            for (const MeasureInfo &measure : use.measures)
                columns.parts.back().push_back(measure.kind == MeasureKind::numeric
                                                   ? pg::SumForm::counters
                                                   : pg::SumForm::plain);
            columns.parts.back().insert(columns.parts.back().end(), use.counted.size(),
                                        pg::SumForm::kept);
        }
        return {(facts.empty() ? "" : "WITH " + facts + "\n") + rows, binder_.take(),
                std::move(columns)};
    }

    Statement presence() {
        std::string columns = "read", seen;
        for (size_t s = 1; s <= group_.sources.size(); ++s) {
            columns += fmt::format(", n{}", s);
            seen += fmt::format(", coalesce(sum(n{}), 0) <> 0", s);
        }
        const std::string facts = facts_of_sources();
        const std::string rows = union_of(false, false);
        if (rows.empty()) return {};
        std::string sql = facts.empty() ? "" : "WITH " + facts + "\n";
        sql += fmt::format("SELECT read{} FROM (\n{}\n) u({}) GROUP BY read", seen, rows, columns);
        return {std::move(sql), binder_.take(), {}};
    }

private:
    bool segmented() const { return !group_.by.empty(); }

    bool has_one_type(const std::string &dimension) const {
        const auto type_in = [&](const SourceUse &use) {
            const DimensionInfo &info =
                use.info.dimensions[size_t(require_dimension(use.info, dimension))];
            return info.type + " " + info.collation;
        };
        return std::all_of(group_.sources.begin(), group_.sources.end(), [&](const SourceUse &use) {
            return type_in(use) == type_in(group_.sources[0]);
        });
    }

    // Bits of the dimensions that rows of a source must be told apart by, and of the counted
    // measures whose values are asked for.
    int needed(const SourceUse &use) const {
        const SourceInfo &source = use.info;
        int out = needed_values(use);
        for (const std::string &dimension : group_.by)
            out |= 1 << require_dimension(source, dimension);
        for (const Filter &filter : group_.filters)
            out |= 1 << require_dimension(source, filter.dimension);
        return out;
    }

    // CTEs of the rows that must be read from facts views: whole days, and parts of hours.
    std::string facts_of_sources() {
        std::string sql;
        const auto add = [&](const char *name, size_t source, const char *function,
                             const std::string &range) {
            const SourceUse &use = group_.sources[source];
            sql += (sql.empty() ? "" : ",\n") +
                   facts_rows(fmt::format("{}{}", name, source), function, use, range, needed(use));
        };
        for (size_t s = 0; s < group_.sources.size(); ++s) {
            const FactsDays days = facts_days(group_.sources[s], plan_);
            if (!days.days.empty())
                add("facts", s, "_facts", binder_.bind(days.days.text(), "datemultirange"));
            if (!plan_.minutes.until.empty())
                add("minutes", s, "_facts_between", binder_.bind(minutes(), "tstzmultirange"));
        }
        return sql;
    }

    std::string minutes() const {
        std::string out;
        for (size_t i = 0; i < plan_.minutes.until.size(); ++i)
            out += fmt::format("{}[\"{}\",\"{}\")", i == 0 ? "" : ",",
                               iso(Timestamp{plan_.minutes.since[i]}),
                               iso(Timestamp{plan_.minutes.until[i]}));
        return "{" + out + "}";
    }

    static std::string nulls(const std::vector<MeasureInfo> &measures) {
        std::string out;
        for (const MeasureInfo &measure : measures) {
            out += ", NULL::numeric";
            if (measure.kind == MeasureKind::numeric) out += ", NULL::int8, NULL::int8, NULL::int8";
        }
        return out;
    }

    // NULLs in the places of the measures of sources [from, to).
    std::string nothing(size_t from, size_t to, bool measures) const {
        std::string out;
        for (size_t s = from; s < to; ++s) {
            out += ", NULL::int8";
            if (!measures) continue;
            out += nulls(group_.sources[s].measures);
            for (const CountedInfo &measure : group_.sources[s].counted)
                out += fmt::format(", {}", null_of(measure));
        }
        return out;
    }

    // Every row that counts: read, keys, and by source n and the measures.
    std::string union_of(bool measures, bool segments) {
        std::string sql;
        for (size_t s = 0; s < group_.sources.size(); ++s) {
            const SourceUse &use = group_.sources[s];
            BranchShape shape;
            shape.use = &use;
            shape.measures = measures;
            shape.before = nothing(0, s, measures);
            shape.after = nothing(s + 1, group_.sources.size(), measures);
            for (size_t i = 0; segments && i < group_.by.size(); ++i) {
                const int dimension = require_dimension(use.info, group_.by[i]);
                shape.key_dimensions.push_back(dimension);
                shape.keys.push_back(
                    fmt::format("x.d{}{}", dimension + 1,
                                same_type_[i] ? "" : "::text COLLATE pg_catalog.\"default\""));
            }
            for (size_t i = 0; segments && i < group_.filters.size(); ++i)
                shape.filters.push_back({group_.filters[i],
                                         require_dimension(use.info, group_.filters[i].dimension),
                                         filter_values_[i]});
            const std::string rows = branches(shape, plan_, int(s), binder_);
            if (!rows.empty()) sql += (sql.empty() ? "" : "\nUNION ALL ") + rows;
            for (size_t c = 0; measures && !rows.empty() && c < use.counted.size(); ++c)
                sql += "\nUNION ALL " + counted_rows(shape, s, c);
        }
        return sql;
    }

    // A counted measure by read and segment: a value counts once, on however many days and in
    // however many finer segments it is. One row each, which leaves nothing to add up; it counts no
    // row of the source. Other sources have their columns in the result only.
    std::string counted_rows(BranchShape shape, size_t source, size_t place) {
        const SourceUse &use = *shape.use;
        shape.counted = &use.counted[place];
        const std::string before = std::exchange(shape.before, "");
        const std::string after = std::exchange(shape.after, "");
        std::string keys, segment;
        for (size_t i = 1; i <= shape.keys.size(); ++i) keys += fmt::format(", k{}", i);
        if (shape.counted->is_timed())
            for (size_t i = 1; i <= use.info.dimension_count; ++i) {
                shape.keys.push_back(fmt::format("x.d{}", i));
                segment += fmt::format(", d{}", i);
            }
        std::string columns = ", 0::int8" + nulls(use.measures);
        for (size_t i = 0; i < use.counted.size(); ++i)
            columns +=
                ", " + (i == place ? counted_value(*shape.counted) : null_of(use.counted[i]));
        std::string values = fmt::format(
            "(SELECT read{0}{1}, v, sum(n) AS n FROM (\n{2}\n) u(read{0}{1}, v, n) "
            "GROUP BY read{0}{1}, v HAVING sum(n) > 0) g",
            keys, segment, branches(shape, plan_, int(source), binder_));
        // Of each full segment one value by time.
        if (shape.counted->is_timed())
            values = fmt::format("(SELECT read{0}, {1}(v) AS v FROM {2} GROUP BY read{0}{3}) s",
                                 keys, shape.counted->kind == CountedKind::last ? "max" : "min",
                                 values, segment);
        return fmt::format("SELECT read{0}{1}{2}{3} FROM {4} GROUP BY read{0}", keys, before,
                           columns, after, values);
    }

    // Over a relation with a row for every value v, of n rows.
    static std::string counted_value(const CountedInfo &measure) {
        if (measure.kind == CountedKind::percentiles) return "array_agg(ARRAY[v::int8, n::int8])";
        if (measure.kind == CountedKind::distinct) return "count(*)::numeric";
        if (measure.is_timed()) return "sum(v[2])";
        return fmt::format("{}(v)::numeric", word_of(measure.kind));
    }

    std::string key_pairs() const {
        std::string out;
        for (size_t i = 0; i < group_.by.size(); ++i)
            out += fmt::format("{}{}, ${}", i == 0 ? "" : ", ", pg::literal(group_.by[i]), i + 1);
        return out;
    }

    const Group &group_;
    const Plan &plan_;
    Binder binder_;
    std::vector<std::string> filter_values_;
    std::vector<bool> same_type_;
};

}  // namespace

int level_with(const SourceInfo &source, int bits) {
    return (bits & (bits - 1)) == 0 ? bits : source.full_level();
}

int require_dimension(const SourceInfo &source, const std::string &name) {
    const int place = source.dimension(name);
    if (place >= 0) return place;
    std::vector<std::string> names;
    for (const DimensionInfo &dimension : source.dimensions) names.push_back(dimension.name);
    throw Error(
        "22023", fmt::format("source \"{}\" has no dimension \"{}\"", source.name, name), {},
        names.empty() ? "It has none." : fmt::format("Its dimensions are {}.", quoted_list(names)));
}

size_t source_place(const Group &group, const std::string &source) {
    const auto found = std::find_if(group.sources.begin(), group.sources.end(),
                                    [&](const SourceUse &use) { return use.info.name == source; });
    return size_t(found - group.sources.begin());
}

size_t measure_place(const Group &group, const std::string &name) {
    size_t place = 0;
    for (const SourceUse &use : group.sources) {
        for (const MeasureInfo &measure : use.measures) {
            if (measure.name == name) return place;
            ++place;
        }
        for (const CountedInfo &measure : use.counted) {
            if (measure.name == name) return place;
            ++place;
        }
    }
    throw Error("XX000", fmt::format("measure \"{}\" is not read", name));
}

const CountedInfo *counted_measure(const Group &group, const Metric &metric) {
    const auto rank = [](const CountedInfo *counted) {
        return counted == nullptr ? 0 : counted->is_timed() ? 2 : counted->is_level() ? 3 : 1;
    };
    const CountedInfo *found = nullptr;
    for (const MeasureUse &used : metric.measures)
        for (const SourceUse &use : group.sources)
            for (const CountedInfo &counted : use.counted)
                if (counted.name == used.name && rank(&counted) > rank(found)) found = &counted;
    return found;
}

Statement cells_statement(const Group &group, const Plan &plan) {
    return Writer(group, plan).cells();
}

Statement presence_statement(const Group &group, const Plan &plan) {
    return Writer(group, plan).presence();
}

}  // namespace kpi::engine
