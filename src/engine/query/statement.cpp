#include "engine/query/statement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "core/error.hpp"
#include "core/near.hpp"
#include "engine/query/branches.hpp"

namespace kpi::engine {
namespace {

int require_dimension(const SourceInfo &source, const std::string &name) {
    const int place = source.dimension(name);
    if (place >= 0) return place;
    std::vector<std::string> names;
    for (const DimensionInfo &dimension : source.dimensions) names.push_back(dimension.name);
    throw Error(
        "22023", fmt::format("source \"{}\" has no dimension \"{}\"", source.name, name), {},
        names.empty() ? "It has none." : fmt::format("Its dimensions are {}.", quoted_list(names)));
}

std::string median(const std::string &value) {
    return fmt::format(
        "CASE WHEN count({0}) >= {1} THEN trim_scale((percentile_disc(0.5) WITHIN GROUP (ORDER BY "
        "{0}) + "
        "percentile_disc(0.5) WITHIN GROUP (ORDER BY {0} DESC)) / 2) END",
        value, kExpectedAtLeast);
}

// Flags of a bucket.
enum : int32_t { kComplete = 1, kOpen = 2, kLost = 4 };

// An array's text: parsed faster than a text[] is cast, element by element.
template <class T>
std::string array(const std::vector<T> &values) {
    return fmt::format("{{{}}}", fmt::join(values, ","));
}

std::string day_of(const std::string &column) { return "date '2000-01-01' + " + column; }

std::string instant_of(const std::string &column) {
    return "timestamptz '2000-01-01 00:00+00' + " + column + " * interval '1 microsecond'";
}

class Writer {
public:
    Writer(const Group &group, const Plan &plan, int64_t limit)
        : group_(group), plan_(plan), limit_(limit) {
        for (const Filter &filter : group.filters)
            filter_values_.push_back(binder_.bind(filter.values, "text[]"));
        for (const SourceUse &use : group.sources)
            for (const MeasureInfo &measure : use.measures) measure_names_.push_back(measure.name);
        for (const std::string &dimension : group.by) same_type_.push_back(has_one_type(dimension));
    }

    Statement write() {
        std::string sql = "WITH " + reads();
        sql += facts();
        sql += ",\ncells AS (" + cells() + ")";
        if (segmented()) sql += ",\nsegs AS (" + segments() + ")";
        if (expects()) sql += expected();
        sql += "\n" + result();
        return {std::move(sql), binder_.take()};
    }

private:
    bool segmented() const { return !group_.by.empty(); }
    bool expects() const { return !plan_.weeks.empty(); }
    // Whether a past day had any data at all shows in the cells themselves, unless they are parts
    // of it.
    bool needs_totals() const { return segmented() || !group_.filters.empty(); }

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

    std::string reads() {
        const DayReads &days = plan_.days;
        const HourReads &hours = plan_.hours;
        std::string sql = fmt::format(
            "rd AS MATERIALIZED (SELECT read, {} AS day FROM unnest({}, {}) r(read, day))",
            day_of("day"), binder_.bind(array(days.read), "int4[]"),
            binder_.bind(array(days.day), "int4[]"));
        if (hours.read.empty()) return sql;
        sql += fmt::format(
            ",\nrh AS MATERIALIZED (SELECT read, {} AS day, {} AS hour_from, {} AS hour_to, {} AS "
            "cut, weight * 0.0001 AS weight FROM unnest({}, {}, {}, {}, {}, {}) "
            "r(read, day, hour_from, hour_to, cut, weight))",
            day_of("day"), instant_of("hour_from"), instant_of("hour_to"), instant_of("cut"),
            binder_.bind(array(hours.read), "int4[]"), binder_.bind(array(hours.day), "int4[]"),
            binder_.bind(array(hours.from), "int8[]"), binder_.bind(array(hours.to), "int8[]"),
            binder_.bind(array(hours.cut), "int8[]"), binder_.bind(array(hours.weight), "int4[]"));
        return sql;
    }

    std::string facts() {
        std::string sql;
        for (size_t s = 0; s < group_.sources.size(); ++s) {
            const SourceUse &use = group_.sources[s];
            const FactsDays days = facts_days(use, plan_);
            if (days.days.empty()) continue;
            sql +=
                fmt::format(",\nfacts{} AS MATERIALIZED (SELECT * FROM kpi._facts(NULL::{}, {}))",
                            s, data_table(use.info.name, "delta"),
                            binder_.bind(days.days.text(), "datemultirange"));
        }
        return sql;
    }

    // NULLs in the places of the measures of sources [from, to).
    std::string nothing(size_t from, size_t to, bool measures) const {
        std::string out;
        for (size_t s = from; s < to; ++s) {
            out += ", NULL::int8";
            if (!measures) continue;
            for (const MeasureInfo &measure : group_.sources[s].measures) {
                out += ", NULL::numeric";
                if (measure.kind == MeasureKind::numeric)
                    out += ", NULL::int8, NULL::int8, NULL::int8";
            }
        }
        return out;
    }

    std::string union_of(bool measures, bool segments, const std::string &reads) {
        std::string sql;
        for (size_t s = 0; s < group_.sources.size(); ++s) {
            const SourceUse &use = group_.sources[s];
            BranchShape shape;
            shape.use = &use;
            shape.measures = measures;
            shape.reads = reads;
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
            sql += (s == 0 ? "" : "\nUNION ALL ") +
                   branches(shape, plan_, fmt::format("facts{}", s), binder_);
        }
        return sql;
    }

    // k1, k2 ... with `prefix` before each and a comma before the list.
    std::string keys(const char *prefix) const {
        std::string out;
        for (size_t i = 1; i <= group_.by.size(); ++i) out += fmt::format(", {}k{}", prefix, i);
        return out;
    }

    // The sums of every read, by segment: one row of n1.. and v1.. a group that has rows.
    std::string cells() {
        std::string columns = "read" + keys("");
        std::string sums, rows;
        size_t v = 0;
        for (size_t s = 1; s <= group_.sources.size(); ++s) {
            columns += fmt::format(", n{}", s);
            sums += fmt::format(", sum(n{0}) AS n{0}", s);
            rows += fmt::format("{}sum(n{}) <> 0", s == 1 ? "" : " OR ", s);
            for (const MeasureInfo &measure : group_.sources[s - 1].measures) {
                ++v;
                columns += fmt::format(", v{}", v);
                if (measure.kind == MeasureKind::integer) {
                    sums += fmt::format(", sum(v{0}) AS v{0}", v);
                    continue;
                }
                columns += fmt::format(", v{0}_nan, v{0}_pinf, v{0}_ninf", v);
                sums += fmt::format(
                    ", kpi._sum(sum(v{0}), sum(v{0}_nan), sum(v{0}_pinf), sum(v{0}_ninf)) AS v{0}",
                    v);
            }
        }
        // Rows compare by the types' own equality, NULL equals NULL.
        std::string seg;
        if (segmented()) seg = fmt::format(", ROW({}) AS seg", keys("").substr(2));
        return fmt::format("SELECT read{0}{1}{2} FROM (\n{3}\n) u({4}) GROUP BY read{0} HAVING {5}",
                           keys(""), seg, sums, union_of(true, true, ""), columns, rows);
    }

    // The segments that have rows in the range. Reads below the number of buckets are the buckets'.
    std::string segments() const {
        std::string pairs, seen;
        for (size_t i = 0; i < group_.by.size(); ++i)
            pairs += fmt::format("{}{}, k{}", i == 0 ? "" : ", ", pg::literal(group_.by[i]), i + 1);
        for (size_t s = 1; s <= group_.sources.size(); ++s)
            seen += fmt::format(", coalesce(sum(n{0}), 0) <> 0 AS s{0}", s);
        return fmt::format(
            "SELECT *, row_number() OVER (ORDER BY segment) AS ord FROM (SELECT ROW({0}) AS seg, "
            "jsonb_build_object({1}) AS segment{2} FROM cells WHERE read < {3} GROUP BY {0}) g",
            keys("").substr(2), pairs, seen, bucket_count_);
    }

    std::string expected() {
        std::string totals = "c";
        std::string sql;
        if (needs_totals()) {
            std::string columns = "read", sums;
            for (size_t s = 1; s <= group_.sources.size(); ++s) {
                columns += fmt::format(", n{}", s);
                sums += fmt::format(", sum(n{0}) AS n{0}", s);
            }
            sql += fmt::format(
                ",\ntotals AS (SELECT read{} FROM (\n{}\n) u({}) GROUP BY read)", sums,
                union_of(false, false,
                         "r.read >= " + binder_.bind(int64_t(plan_.weeks.front()), "int4")),
                columns);
            totals = "t";
        }
        std::string medians, values;
        for (size_t m = 0; m < group_.metrics.size(); ++m) {
            medians += fmt::format("{}{} AS x{}", m == 0 && !segmented() ? "" : ", ",
                                   median(fmt::format("y{}", m)), m);
            values += fmt::format(
                "{}CASE WHEN {} THEN {} END AS y{}", m == 0 && !segmented() ? "" : ", ",
                has_rows(group_.metrics[m], totals), formula(group_.metrics[m], "c"), m);
        }
        const std::string from = fmt::format(
            "{}unnest({}) w(read) LEFT JOIN cells c ON c.read = w.read{}{}",
            segmented() ? "segs s CROSS JOIN " : "", binder_.bind(array(plan_.weeks), "int4[]"),
            segmented() ? " AND c.seg = s.seg" : "",
            needs_totals() ? " LEFT JOIN totals t ON t.read = w.read" : "");
        sql +=
            fmt::format(",\ne AS (SELECT {} FROM (SELECT {} FROM {}) y{})",
                        (segmented() ? "ord" : "") + medians, (segmented() ? "s.ord" : "") + values,
                        from, segmented() ? " GROUP BY ord" : "");
        return sql;
    }

    std::string has_rows(const Metric &metric, const std::string &alias) const {
        std::string out;
        for (const std::string &source : metric.sources)
            out += fmt::format("{}coalesce({}.n{}, 0) <> 0", out.empty() ? "" : " OR ", alias,
                               place(source));
        return out;
    }

    size_t place(const std::string &source) const {
        const auto found =
            std::find_if(group_.sources.begin(), group_.sources.end(),
                         [&](const SourceUse &use) { return use.info.name == source; });
        return size_t(found - group_.sources.begin()) + 1;
    }

    // The formula over a row of cells; a measure without rows is 0.
    std::string formula(const Metric &metric, const char *alias) const {
        std::string out = "(";
        for (size_t i = 0; i < metric.formula.operands.size(); ++i) {
            const std::string &name = metric.measures[size_t(metric.formula.operands[i])].name;
            const auto at = std::find(measure_names_.begin(), measure_names_.end(), name) -
                            measure_names_.begin();
            out += fmt::format("{}coalesce({}.v{}, 0)", metric.formula.pieces[i], alias, at + 1);
        }
        return out + metric.formula.pieces.back() + ")::numeric";
    }

    std::string result() {
        std::vector<int64_t> start;
        std::vector<int32_t> day, pair, flags;
        std::vector<double> fraction;
        for (const PlannedBucket &planned : plan_.buckets) {
            start.push_back(planned.bucket.start.microseconds);
            day.push_back(planned.bucket.day.days);
            pair.push_back(planned.pair);
            flags.push_back((is_complete(planned.bucket, plan_.now) ? kComplete : 0) |
                            (planned.open ? kOpen : 0) | (planned.lost ? kLost : 0));
            fraction.push_back(elapsed(planned.bucket, plan_.now));
        }
        std::string values;
        for (size_t m = 0; m < group_.metrics.size(); ++m) {
            const Metric &metric = group_.metrics[m];
            std::string seen;
            for (const std::string &source : metric.sources)
                seen += fmt::format("{}s.s{}", seen.empty() ? "" : " OR ", place(source));
            values += fmt::format(
                "{}({}, {}::text, {}, {}, {}, {})", m == 0 ? "" : ", ", m, pg::literal(metric.name),
                formula(metric, "c"), plan_.compares ? formula(metric, "p") : "NULL::numeric",
                expects() ? fmt::format("e.x{}", m) : "NULL::numeric", segmented() ? seen : "true");
        }
        std::string sql = fmt::format(
            "SELECT {}, {}, {}, m.metric, CASE WHEN b.flags & {} = 0 THEN m.value END, CASE WHEN "
            "b.pair >= 0 THEN m.compared END, b.flags & {} <> 0, b.fraction, CASE WHEN b.flags & "
            "{} "
            "<> 0 THEN m.expected END, {} FROM unnest({}, {}, {}, {}, {}) WITH ORDINALITY "
            "b(start, day, pair, flags, fraction, place)",
            instant_of("b.start"), day_of("b.day"), segmented() ? "s.segment" : "'{}'::jsonb",
            int(kLost), int(kComplete), int(kOpen), binder_.bind(plan_.now, "timestamptz"),
            binder_.bind(array(start), "int8[]"), binder_.bind(array(day), "int4[]"),
            binder_.bind(array(pair), "int4[]"), binder_.bind(array(flags), "int4[]"),
            binder_.bind(array(fraction), "float8[]"));
        if (segmented()) sql += " CROSS JOIN segs s";
        sql += " LEFT JOIN cells c ON c.read = b.place - 1";
        if (segmented()) sql += " AND c.seg = s.seg";
        if (plan_.compares) sql += " LEFT JOIN cells p ON p.read = b.pair";
        if (plan_.compares && segmented()) sql += " AND p.seg = s.seg";
        if (expects()) sql += segmented() ? " LEFT JOIN e ON e.ord = s.ord" : " CROSS JOIN e";
        sql += fmt::format(
            " CROSS JOIN LATERAL (VALUES {}) m(place, metric, value, compared, expected, seen) "
            "WHERE m.seen ORDER BY b.place{}, m.place",
            values, segmented() ? ", s.ord" : "");
        if (limit_ > 0) sql += " LIMIT " + binder_.bind(limit_, "int8");
        return sql;
    }

    const Group &group_;
    const Plan &plan_;
    int64_t limit_;
    Binder binder_;
    std::vector<std::string> filter_values_;
    std::vector<std::string> measure_names_;
    std::vector<bool> same_type_;
    std::string bucket_count_ = binder_.bind(int64_t(plan_.buckets.size()), "int8");
};

}  // namespace

Statement write_statement(const Group &group, const Plan &plan, int64_t limit) {
    return Writer(group, plan, limit).write();
}

}  // namespace kpi::engine
