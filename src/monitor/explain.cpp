#include "monitor/explain.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "core/dates.hpp"
#include "core/error.hpp"
#include "core/measure.hpp"
#include "detect/cause.hpp"
#include "detect/mix.hpp"
#include "engine/registry/metrics.hpp"
#include "monitor/metric_series.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {

namespace {

constexpr pg::Options kRead{.access = pg::Access::read_only};
constexpr int kWeeks = 4;

struct Cube {
    std::vector<std::string> dimensions;
    std::vector<std::vector<std::string>> names;  // per dimension: code -> value
    std::vector<detect::Leaf> leaves;
};

// Why a counted measure of this kind has no parts.
std::string why_not(const std::string &kind) {
    const bool timed = is_timed(counted_kind(kind).value_or(CountedKind::distinct));
    if (timed) return fmt::format("is the {} value of each segment: its days do not add up", kind);
    return std::string(kind == "distinct" ? "counts distinct values" : "is one of the values") +
           ": its segments do not add up to the whole";
}

// Causes are parts of a sum.
void refuse_counted(const std::string &metric) {
    const Table counted =
        pg::query("SELECT name, kind FROM kpi.counted WHERE name = ANY ($1) ORDER BY name LIMIT 1",
                  {measures_of(metric)}, kRead);
    if (!counted.empty())
        throw Error(
            "0A000", fmt::format("metric \"{}\" cannot be explained", metric),
            fmt::format("Measure \"{}\" {}.", *counted.rows[0][0], why_not(*counted.rows[0][1])),
            "Explain a measure that is summed, or compare segments with kpi.query.");
}

std::vector<std::string> dimensions_of(const std::string &metric) {
    const auto ratio = ratio_of(metric);
    std::vector<std::string> out;
    const Table t = pg::query(
        "SELECT d FROM kpi.measure m JOIN kpi.source s ON s.name = m.source, "
        "pg_catalog.unnest(s.dimensions) "
        "d WHERE m.name = $1",
        {ratio ? ratio->numerator : metric}, kRead);
    for (const Row &row : t.rows) out.push_back(*row[0]);
    return out;
}

// segment, value, expected of one metric in the asked bucket; a segment that is on one side only
// counts 0 there.
// The bucket as kpi.query takes it, and the same one of the four weeks before.
struct Moments {
    std::vector<std::pair<std::string, std::string>> ranges;  // start and end; the asked one first
    bool is_complete = true;                                  // of a day: it is over
};
Moments moments_of(const ExplainRequest &r, const std::string &metric, const MetricRequest &m) {
    Moments out;
    if (r.grain == "hour") {
        const std::string zone = zone_of(metric).value_or("UTC");
        const Table t = pg::query(R"(
SELECT pg_catalog.to_char(s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       pg_catalog.to_char((s + interval '1 hour') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
  FROM pg_catalog.generate_series(0, $3) w,
       LATERAL (SELECT (pg_catalog.date_trunc('hour', $1::pg_catalog.timestamptz AT TIME ZONE $2)
                        - w * interval '7 days') AT TIME ZONE $2) x (s)
 ORDER BY w)",
                                  {r.at, zone, int64_t(kWeeks)}, kRead);
        for (const Row &row : t.rows) out.ranges.emplace_back(*row[0], *row[1]);
        return out;
    }
    MetricRequest asked = m;
    asked.start_at = r.at;
    asked.end_at = r.at;
    const auto first = first_bucket(asked);
    if (!first) throw Error("22023", fmt::format("\"{}\" is no day", r.at));
    out.is_complete = first->is_complete;
    for (int week = 0; week <= kWeeks; ++week) {
        const std::string day = iso(Date{first->day.days - 7 * week});
        out.ranges.emplace_back(day, day);
    }
    return out;
}

std::string sides_query(const ExplainRequest &r, const std::string &metric, MetricRequest m) {
    m.metric = metric;
    m.grain = r.grain;
    const Moments moments = moments_of(r, metric, m);
    const auto call = [&](size_t back) {
        MetricRequest then = m;
        then.end_at = moments.ranges[back].second;
        return query_call({metric}, moments.ranges[back].first, then);
    };
    // OFFSET 0: otherwise what a row expects is computed as often as the expression names it.
    const auto pair = [&](const char *expected, const std::string &from) {
        return fmt::format(
            "SELECT segment, coalesce({}, 0) AS value, coalesce({}, 0) AS expected FROM (SELECT "
            "segment, value, {} FROM {} OFFSET 0) q",
            number("value", "0"), number(expected, "0"), expected, from);
    };
    if (r.compare != "expected") {
        std::string compared = call(0);
        compared.insert(compared.size() - 1, ", compare => " + pg::literal(r.compare));
        return pair("compared", compared);
    }
    if (!moments.is_complete) return pair("expected_so_far", call(0));
    std::string weeks;
    for (size_t back = 0; back < moments.ranges.size(); ++back)
        weeks +=
            fmt::format("{}SELECT {} AS back, segment, {} AS value FROM {}",
                        back == 0 ? "" : " UNION ALL ", back, number("value", "0"), call(back));
    return fmt::format(R"(
SELECT s.segment, coalesce(pg_catalog.max(s.value) FILTER (WHERE back = 0), 0) AS value,
       (SELECT pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY coalesce(w.v, 0))
          FROM pg_catalog.unnest(ARRAY[
                   pg_catalog.max(s.value) FILTER (WHERE back = 1), pg_catalog.max(s.value) FILTER (WHERE back = 2),
                   pg_catalog.max(s.value) FILTER (WHERE back = 3), pg_catalog.max(s.value) FILTER (WHERE back = 4)
               ]::pg_catalog.float8[]) w (v)) AS expected
  FROM ({0}) s GROUP BY s.segment)",
                       weeks);
}

Cube read_cube(const ExplainRequest &r, const std::string &top, const std::string &bottom) {
    Cube cube;
    cube.dimensions = r.by ? *r.by : dimensions_of(r.metric);
    MetricRequest m;
    m.by = cube.dimensions;
    m.filters = r.filters;
    const std::string sql = bottom.empty()
                                ? fmt::format("SELECT segment, value, expected, 0, 0 FROM ({}) a",
                                              sides_query(r, top, m))
                                : fmt::format(
                                      "SELECT coalesce(a.segment, b.segment), coalesce(a.value, "
                                      "0), coalesce(a.expected, 0), "
                                      "coalesce(b.value, 0), coalesce(b.expected, 0) FROM ({}) a "
                                      "FULL JOIN ({}) b USING (segment)",
                                      sides_query(r, top, m), sides_query(r, bottom, m));
    std::vector<std::map<std::string, int>> codes(cube.dimensions.size());
    cube.names.resize(cube.dimensions.size());
    for (const Row &row : pg::query(sql, {}, kRead).rows) {
        const auto segment = nlohmann::json::parse(*row[0]);
        detect::Leaf leaf;
        for (std::size_t d = 0; d < cube.dimensions.size(); ++d) {
            const std::string name = segment.value(cube.dimensions[d], nlohmann::json()).dump();
            const auto [it, is_new] = codes[d].try_emplace(name, static_cast<int>(codes[d].size()));
            if (is_new) cube.names[d].push_back(name);
            leaf.codes.push_back(it->second);
        }
        leaf.actual = std::stod(*row[1]);
        leaf.expected = row[2] ? std::stod(*row[2]) : 0;
        leaf.actual_trials = std::stod(*row[3]);
        leaf.expected_trials = row[4] ? std::stod(*row[4]) : 0;
        cube.leaves.push_back(std::move(leaf));
    }
    return cube;
}

std::string segment_of(const Cube &cube, const detect::Cause &cause) {
    nlohmann::json out = nlohmann::json::object();
    const bool several = !cause.is_pair && cause.elements.size() > 1;
    for (const auto &e : cause.elements) {
        const auto value =
            nlohmann::json::parse(cube.names[e.dimension][static_cast<std::size_t>(e.code)]);
        nlohmann::json &slot = out[cube.dimensions[e.dimension]];
        if (several)
            slot.push_back(value);
        else
            slot = value;
    }
    return out.dump();
}

bool inside(const detect::Cause &cause, const detect::Leaf &leaf) {
    bool any = false, all = true;
    for (const auto &e : cause.elements) {
        const bool holds = leaf.codes[e.dimension] == e.code;
        any = any || holds;
        all = all && holds;
    }
    return cause.is_pair ? all : any;
}

Explanation describe(const Cube &cube, const detect::Cause &cause, bool is_ratio, double unit) {
    detect::Part parts[2];  // the cause and the rest
    double all = 0;
    for (const detect::Leaf &leaf : cube.leaves) {
        detect::Part &p = parts[inside(cause, leaf) ? 0 : 1];
        p.before_value += leaf.expected;
        p.after_value += leaf.actual;
        p.before_weight += is_ratio ? leaf.expected_trials : leaf.expected;
        p.after_weight += is_ratio ? leaf.actual_trials : leaf.actual;
        all += leaf.actual - leaf.expected;
    }
    Explanation e;
    e.segment = segment_of(cube, cause);
    const auto presence = detect::presence_of(parts[0].before_weight, parts[0].after_weight);
    if (presence == detect::Presence::appeared) e.presence = "new";
    if (presence == detect::Presence::vanished) e.presence = "vanished";
    if (!is_ratio) {
        e.value = parts[0].after_value;
        e.expected = parts[0].before_value;
        if (all != 0) e.share = (e.value - e.expected) / all;
    } else {
        const auto quotient = [&](double a, double b) { return b > 0 ? unit * a / b : 0; };
        e.value = quotient(parts[0].after_value, parts[0].after_weight);
        e.expected = quotient(parts[0].before_value, parts[0].before_weight);
        const auto split = detect::split_ratio(parts);
        e.rate_effect = unit * split[0].rate;
        e.mix_effect = unit * split[0].mix;
        const double total = split[0].rate + split[0].mix + split[1].rate + split[1].mix;
        if (total != 0) e.share = (split[0].rate + split[0].mix) / total;
    }
    e.change = e.value - e.expected;
    // Where parts cancel each other: of all that moved to this side.
    if (e.share && (*e.share < 0 || *e.share > 1)) {
        const double moved = parts[0].after_value - parts[0].before_value;
        double to_this_side = 0;
        for (const detect::Leaf &leaf : cube.leaves) {
            const double off = leaf.actual - leaf.expected;
            if (off * moved > 0) to_this_side += std::abs(off);
        }
        e.share = to_this_side > 0 ? std::min(std::abs(moved) / to_this_side, 1.0) : 1.0;
    }
    return e;
}

}  // namespace

std::vector<Explanation> explain(const ExplainRequest &r) {
    if (r.grain != "day" && r.grain != "hour")
        throw Error("22023", fmt::format("grain \"{}\" cannot be explained", r.grain), {},
                    "Use day, or hour with a timestamp as at.");
    if (r.top < 1 || r.top > 1000) throw Error("22023", "top must be between 1 and 1000");
    refuse_counted(r.metric);
    const auto ratio = ratio_of(r.metric);
    const Cube cube =
        read_cube(r, ratio ? ratio->numerator : r.metric, ratio ? ratio->denominator : "");
    const auto measure = ratio ? detect::Measure::rate : detect::Measure::amount;
    std::vector<Explanation> out;
    for (const auto &cause :
         detect::find_causes(cube.leaves, measure, static_cast<std::size_t>(r.top))) {
        out.push_back(
            describe(cube, cause, ratio.has_value(), ratio && ratio->is_percent ? 100 : 1));
    }
    if (out.empty() && !cube.leaves.empty()) {
        // Every element of no dimension: the whole.
        detect::Cause everything;
        everything.is_pair = true;
        out.push_back(
            describe(cube, everything, ratio.has_value(), ratio && ratio->is_percent ? 100 : 1));
        out.back().presence = "overall";
    }
    return out;
}

}  // namespace kpi::monitor
