#include "engine/query/steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "engine/capture/own_changes.hpp"
#include "engine/query/groups.hpp"
#include "pg/clock.hpp"

namespace kpi::engine {
namespace {

constexpr size_t kMostSteps = 20;
constexpr int kMostDays = 36'600;

MetricRow distinct_metric(const std::string &name) {
    std::vector<MetricRow> found = metric_rows({name}, pg::Access::read_only);
    if (found.empty())
        throw Error("42704", fmt::format("metric \"{}\" does not exist", name), {},
                    near_names(name, pg::Access::read_only));
    return std::move(found[0]);
}

[[noreturn]] void not_distinct(const std::string &name) {
    throw Error("22023", fmt::format("metric \"{}\" counts no distinct values", name),
                "A step is a measure that keeps its values, so that they can be found in the next.",
                "Declare one: kpi.track(.., aggregates => '{\"customers\": {\"distinct\": "
                "\"customer_id\"}}').");
}

Step load_step(const std::string &name) {
    const MetricRow metric = distinct_metric(name);
    if (!metric.measure) not_distinct(name);
    SourceInfo info = load_source(metric.measure->source, pg::Access::read_only);
    const auto counted =
        std::find_if(info.counted.begin(), info.counted.end(),
                     [&](const CountedInfo &c) { return c.name == metric.measure->name; });
    if (counted == info.counted.end() || counted->kind != CountedKind::distinct) not_distinct(name);
    const CountedInfo measure = *counted;
    const std::string dirty =
        pg::value("SELECT kpi._dirty_days($1)", {info.name}, kRead).value_or("{}");
    SourceDays days(info, dirty);
    return {name, {std::move(info), std::move(days), dirty, {}, {measure}}, {}};
}

// "integer", "text COLLATE \"C\"": of the key as it is kept. As the owner.
std::string key_type(const Step &step) {
    const Cell type = pg::value(
        "SELECT pg_catalog.format_type(a.atttypid, NULL) || CASE WHEN a.attcollation IN (0, 100) "
        "THEN '' ELSE ' COLLATE ' || a.attcollation::pg_catalog.regcollation::text END FROM "
        "pg_catalog.pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = "
        "$2",
        {data_table(step.use.info.name, "delta"), fmt::format("v{}", step.counted().position)},
        kRead);
    return type.value_or("");
}

void check_alike(const Steps &steps) {
    const Step &first = steps.steps[0];
    for (const Step &step : steps.steps) {
        if (step.use.info.timezone != steps.zone)
            throw Error("55000",
                        fmt::format("\"{}\" and \"{}\" are of sources of different time zones",
                                    first.metric, step.metric),
                        {},
                        "Their days are not the same days. Track one of them in the other's zone.");
        if (step.use.info.owner.value != steps.owner.value)
            throw Error("0A000",
                        fmt::format("\"{}\" and \"{}\" are of sources of different owners",
                                    first.metric, step.metric),
                        "A statement reads sources with the rights of one owner.",
                        "Give both facts views one owner: ALTER VIEW .. OWNER TO ..");
    }
    const pg::RunAs as_owner(steps.owner, pg::Restriction::reading);
    const std::string type = key_type(first);
    for (const Step &step : steps.steps) {
        const std::string other = key_type(step);
        if (other == type) continue;
        throw Error("42804",
                    fmt::format("\"{}\" and \"{}\" have keys of different types", first.metric,
                                step.metric),
                    fmt::format("\"{}\" is {}, \"{}\" is {}.", first.counted().column, type,
                                step.counted().column, other),
                    fmt::format("Cast one of them in its facts view, for example {}::{}.",
                                pg::quote(step.counted().column), type));
    }
}

// An object a step; the rest have none.
std::vector<std::string> filter_objects(const std::string &filters, size_t steps) {
    if (filters.empty() || filters[0] != '[') return {filters};
    // jsonb's own text, which is JSON.
    const nlohmann::json array = nlohmann::json::parse(filters);
    if (array.size() > steps)
        throw Error("22023", fmt::format("there are {} filters for {} steps", array.size(), steps),
                    {}, "Give an object for the first step, or an array with one a step.");
    std::vector<std::string> out;
    for (const auto &filter : array) out.push_back(filter.is_null() ? "{}" : filter.dump());
    return out;
}

void add_filters(Steps &steps, const std::string &filters) {
    const std::vector<std::string> objects = filter_objects(filters, steps.steps.size());
    for (size_t s = 0; s < objects.size(); ++s) {
        Step &step = steps.steps[s];
        step.filters = parse_filters(objects[s]);
        for (const Filter &filter : step.filters) {
            const int place = require_dimension(step.use.info, filter.dimension);
            check_values(filter, step.use.info.dimensions[size_t(place)]);
        }
    }
}

// The reads of a range: one, number 0, of every day or hour.
Plan plan_of(const StepRange &range, Resolution resolution, const Zone &zone, Timestamp now) {
    Plan plan;
    plan.now = now;
    for (Date day = range.first; day <= range.last; day = day + 1) {
        if (resolution == Resolution::day) {
            plan.days.read.push_back(0);
            plan.days.day.push_back(day.days);
            continue;
        }
        const Timestamp from = std::max(range.from, zone.instant(midnight(day)));
        const Timestamp to = std::min(range.to, zone.instant(midnight(day + 1)));
        if (from >= to) continue;
        HourReads &hours = plan.hours;
        hours.read.push_back(0);
        hours.day.push_back(day.days);
        hours.from.push_back(from.microseconds);
        hours.to.push_back(to.microseconds);
        hours.cut.push_back(to.microseconds);
        hours.weight.push_back(10'000);
    }
    return plan;
}

class StepsWriter {
public:
    StepsWriter(const Steps &steps, Resolution resolution)
        : steps_(steps),
          time_(resolution == Resolution::hour ? "x.hour" : "(x.day - date '2000-01-01')::int8") {}

    void add(size_t number, const Plan &plan) {
        const Step &step = steps_.steps[number];
        BranchShape shape;
        shape.use = &step.use;
        shape.counted = &step.counted();
        shape.keys.push_back(time_);
        std::string columns = fmt::format("SELECT u.h, {}::int4, u.t, u.n, u.v", number);
        std::string names = "read, t";
        int needed = needed_values(step.use);
        for (size_t i = 0; i < steps_.by.size(); ++i) {
            if (number > 0) {
                columns += ", NULL";
                continue;
            }
            const int dimension = require_dimension(step.use.info, steps_.by[i]);
            shape.keys.push_back(fmt::format("x.d{}", dimension + 1));
            shape.key_dimensions.push_back(dimension);
            needed |= 1 << dimension;
            columns += fmt::format(", u.k{}", i + 1);
            names += fmt::format(", k{}", i + 1);
        }
        for (const Filter &filter : step.filters) {
            const int dimension = require_dimension(step.use.info, filter.dimension);
            needed |= 1 << dimension;
            shape.filters.push_back({filter, dimension, binder_.bind(filter.values, "text[]")});
        }
        const FactsDays facts = facts_days(step.use, plan);
        if (!facts.days.empty())
            facts_ += (facts_.empty() ? "WITH " : ",\n") +
                      facts_rows(fmt::format("facts{}", number), "_facts", step.use,
                                 binder_.bind(facts.days.text(), "datemultirange"), needed);
        const std::string rows = branches(shape, plan, int(number), binder_);
        if (rows.empty()) return;
        rows_ += fmt::format(
            "{}{} FROM (SELECT *, hash_record_extended(ROW(r.v), 0) AS h FROM (\n{}\n) r({}, v, n) "
            "WHERE r.n <> 0) u",
            rows_.empty() ? "" : "\nUNION ALL ", columns, rows, names);
    }

    Statement take() {
        if (rows_.empty()) return {};
        return {fmt::format("{}\n{}\nORDER BY 1", facts_, rows_), binder_.take(), {}};
    }

private:
    const Steps &steps_;
    std::string time_, facts_, rows_;
    Binder binder_;
};

}  // namespace

Steps load_steps(const std::vector<std::string> &metrics, const std::string &filters,
                 const std::vector<std::string> &by) {
    if (metrics.size() > kMostSteps)
        throw Error("22023", fmt::format("there are at most {} steps", kMostSteps));
    Steps out;
    for (const std::string &metric : metrics) out.steps.push_back(load_step(metric));
    const SourceInfo &first = out.steps[0].use.info;
    out.owner = first.owner;
    out.zone = first.timezone;
    out.now = pg::snapshot_time();
    out.by = by;
    check_alike(out);
    for (size_t i = 0; i < by.size(); ++i) {
        require_dimension(first, by[i]);
        if (std::find(by.begin(), by.begin() + int64_t(i), by[i]) != by.begin() + int64_t(i))
            throw Error("22023", fmt::format("dimension \"{}\" is asked for twice", by[i]));
    }
    add_filters(out, filters);
    return out;
}

std::string_view name(Resolution resolution) {
    return resolution == Resolution::hour ? "hour" : "day";
}

Resolution resolution_of(const Steps &steps, Date first) {
    const bool hours = std::all_of(steps.steps.begin(), steps.steps.end(), [&](const Step &step) {
        return first >= step.use.days.hours_from;
    });
    return hours ? Resolution::hour : Resolution::day;
}

Resolution parse_resolution(const std::string &word, const Steps &steps, Date first) {
    if (word == "day") return Resolution::day;
    if (word != "hour")
        throw Error("22023", fmt::format("times are not known by \"{}\"", word), {},
                    "grain is hour or day; NULL: the finest that is kept of the whole range.");
    for (const Step &step : steps.steps)
        if (step.use.days.hours_lost(first))
            throw Error(
                "55000",
                fmt::format("hours of \"{}\" are not known from {} on", step.metric, iso(first)),
                fmt::format("They are kept from {} on, and the facts before {} may be gone.",
                            step.use.info.hours_from, step.use.info.frozen_before),
                "Ask with grain => 'day'.");
    return Resolution::hour;
}

void check_length(Date first, Date last) {
    if (last - first <= kMostDays) return;
    throw Error("54000", fmt::format("the range must be at most {} days long", kMostDays),
                fmt::format("It would run from {} to {}.", iso(first), iso(last)));
}

Statement steps_statement(const Steps &steps, const std::vector<StepRange> &ranges,
                          Resolution resolution) {
    const Zone zone = pg::zone(steps.zone);
    StepsWriter writer(steps, resolution);
    for (size_t s = 0; s < ranges.size(); ++s)
        writer.add(s, plan_of(ranges[s], resolution, zone, steps.now));
    return writer.take();
}

std::string segment_label(const std::vector<std::string> &by) {
    if (by.empty()) return "'{}'::jsonb";
    std::string pairs;
    for (size_t i = 0; i < by.size(); ++i)
        pairs += fmt::format("{}{}, ${}", i == 0 ? "" : ", ", pg::literal(by[i]), i + 1);
    return "pg_catalog.jsonb_build_object(" + pairs + ")";
}

std::optional<Date> first_day(const Step &step) {
    const SourceInfo &info = step.use.info;
    const int position = step.counted().position;
    const std::string delta = data_table(info.name, "delta");
    const std::string kept = fmt::format("WHERE x.v{} IS NOT NULL", position);
    std::string days = fmt::format(
        "(SELECT min(x.day) FROM {} x WHERE x.level = {}), (SELECT min(x.day) FROM {} x {})",
        data_table(info.name, "rollup_day"), info.kept_level(position), delta, kept);
    if (capture::has_own_changes())
        days += fmt::format(", (SELECT min(x.day) FROM kpi._pending(NULL::{}) x {})", delta, kept);
    Binder binder;
    std::string facts;
    if (!step.use.days.dirty.empty()) {
        facts = "WITH " + facts_rows("facts", "_facts", step.use,
                                     binder.bind(step.use.dirty_text, "datemultirange"),
                                     needed_values(step.use));
        days += fmt::format(", (SELECT min(x.day) FROM facts x {})", kept);
    }
    const Cell day =
        pg::value(fmt::format("{} SELECT least({})", facts, days), binder.take(), kRead);
    return day ? std::optional(parse_date(*day)) : std::nullopt;
}

}  // namespace kpi::engine
