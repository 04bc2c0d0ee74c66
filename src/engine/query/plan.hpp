// What a query reads, before any SQL: for every bucket, its counterpart and the weeks behind
// expected_so_far, which days and which hours of which days are summed. Each such sum is a "read"
// with a number; a day may count in many.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/calendar.hpp"
#include "core/expected_weeks.hpp"
#include "engine/registry/source_info.hpp"

namespace kpi::engine {

constexpr int kExpectedAtLeast = 3;  // of kExpectedWeeks must have data

// A set of days, read from and written as a datemultirange.
class DaySet {
public:
    DaySet() = default;
    explicit DaySet(const std::string &multirange);
    void add(Date day);
    bool contain(Date day) const;
    bool empty() const { return ranges_.empty(); }
    std::string text() const;  // of days that were added

private:
    std::vector<std::pair<Date, Date>> ranges_;  // [from, to)
};

// What the days of a source are worth, in the reader's snapshot.
struct SourceDays {
    DaySet dirty;     // read from the facts view
    bool by_trigger;  // its facts can be asked for parts of hours
    // the hour rollup begins here; hours before it come from the facts view ...
    Date hours_from;
    Date frozen_before;  // ... unless their facts may be gone: then nobody knows them
    // past days of which the worker keeps the sums up to an instant (past_sums.hpp); not dirty
    std::vector<std::pair<Date, Timestamp>> so_far;

    explicit SourceDays(const SourceInfo &source, const std::string &dirty_days);
    bool hours_lost(Date day) const { return day < hours_from && day < frozen_before; }
    // rows of a part of an hour can be counted, not only estimated by the clock
    bool minutes_known(Date day) const { return by_trigger && day >= frozen_before; }
    std::optional<Timestamp> so_far_until(Date day) const;
};

struct PlannedBucket {
    Bucket bucket;
    int read = 0;
    int pair = -1;  // read of the counterpart; -1: none
    bool open = false;
    bool lost = false;  // needs hours that nobody knows
};

// Column-wise, as they are bound: element i says that day[i] counts in read[i]. DaySet and
// microseconds since 2000-01-01 UTC; weights in ten-thousandths.
struct DayReads {
    std::vector<int32_t> read, day;
};
struct HourReads {
    std::vector<int32_t> read, day;
    std::vector<int64_t> from, to, cut;
    std::vector<int32_t> weight;

    void add(const HourReads &other, size_t i);
};

// Of an hour counts only what lies in [since, until): read from the facts view. `from` and `to` are
// the hour, as in HourReads.
struct MinuteReads {
    HourReads hours;
    std::vector<int64_t> since, until;
};

struct Plan {
    Timestamp now;
    std::vector<PlannedBucket> buckets;  // bucket i has read i
    DayReads days;
    HourReads hours;
    MinuteReads minutes;
    HourReads so_far;  // the sums of a day up to the instant `from`, as the worker keeps them
    std::vector<PlannedBucket> lead;  // before the first bucket, for moving averages
    std::vector<int32_t> weeks;       // reads behind expected_so_far of the open bucket
    // for each of them the read of its whole days: whether there was any data at all. The last
    // reads of the plan.
    std::vector<int32_t> presence;
    bool compares = false;
    bool every_segment = false;  // those too that have no rows in the buckets
};

struct PlanRequest {
    Grain grain = Grain::day;
    Compare compare = Compare::none;
    bool expects = true;  // expected_so_far is wanted
    int lead = 0;         // buckets before the range that are wanted too
};

Plan make_plan(const PlanRequest &request, Range range, Timestamp now, const Zone &zone,
               const std::vector<SourceDays> &sources);
// One bucket and nothing else.
Plan make_plan(Grain grain, const Bucket &bucket, Timestamp now, const Zone &zone,
               const std::vector<SourceDays> &sources);

// The last stretch of time, [from, to), as one bucket: whole hours from the rollup, the parts of
// hours at both ends from the facts view; where its minutes are not known, by the clock.
Plan rolling_plan(Timestamp from, Timestamp to, Timestamp now, const Zone &zone,
                  const std::vector<SourceDays> &sources);

// What reads [from, to) of a plan read; nothing about buckets.
Plan part_of(const Plan &plan, int from, int to);

// What expected_so_far is made of: the open bucket and its weeks. nullopt: nothing is expected.
std::optional<Plan> expectation_of(const Plan &plan);

}  // namespace kpi::engine
