#include "engine/query/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace kpi::engine {
namespace {

constexpr Date kNever{INT32_MAX};
constexpr Date kAlways{INT32_MIN};

Date bound(std::string_view text, Date open) { return text.empty() ? open : parse_date(text); }

class Planner {
public:
    Planner(Plan &plan, const std::vector<SourceDays> &sources, const Zone &zone)
        : plan_(plan), sources_(sources), zone_(zone) {}

    int add(const Slice &slice) {
        for (Date day = slice.day_from; day < slice.day_to; day = day + 1) {
            plan_.days.read.push_back(next_);
            plan_.days.day.push_back(day.days);
        }
        for (const HourSpan &span : slice.hours) {
            if (span.cut >= span.to || !minutes_known(span.day)) {
                add(plan_.hours, span, span.to);
                continue;
            }
            Timestamp since = span.cut;
            if (const auto kept = so_far_until(span)) {
                const Timestamp next{kept->microseconds + 1};
                add(plan_.so_far, {span.day, *kept, next}, next);
                since = *kept;
            } else if (span.from < span.cut) {
                add(plan_.hours, span, span.cut);
            }
            if (span.until <= since) continue;
            HourSpan last{span.day, span.cut, {span.cut.microseconds + kHour}};
            add(plan_.minutes.hours, last, last.to);
            plan_.minutes.since.push_back(since.microseconds);
            plan_.minutes.until.push_back(span.until.microseconds);
        }
        return next_++;
    }

    // What is in an hour from `from` to `to`. Belongs to the read that the next add() closes.
    void add_part(const Bucket &hour, Timestamp now) {
        HourSpan span{hour.day, hour.start, hour.end};
        if (minutes_known(hour.day)) {
            add(plan_.minutes.hours, span, span.to);
            plan_.minutes.since.push_back(hour.from.microseconds);
            plan_.minutes.until.push_back(hour.to.microseconds);
            return;
        }
        const Timestamp end = std::min(hour.end, std::max(now, hour.to));
        span.cut = hour.start;
        span.weight = double(hour.to.microseconds - hour.from.microseconds) /
                      double(end.microseconds - hour.start.microseconds);
        add(plan_.hours, span, span.to);
    }

private:
    bool minutes_known(Date day) const {
        return std::all_of(sources_.begin(), sources_.end(),
                           [&](const SourceDays &source) { return source.minutes_known(day); });
    }

    // Up to when the worker keeps the sums of the day, if that saves the span's whole hours and
    // facts: from the day's start, within the hour that is cut, the same for every source.
    std::optional<Timestamp> so_far_until(const HourSpan &span) const {
        if (sources_.empty() || span.from > zone_.instant(midnight(span.day))) return std::nullopt;
        const auto kept = sources_[0].so_far_until(span.day);
        if (!kept || *kept < span.cut || *kept > span.until) return std::nullopt;
        const bool same = std::all_of(
            sources_.begin(), sources_.end(),
            [&](const SourceDays &source) { return source.so_far_until(span.day) == kept; });
        return same ? kept : std::nullopt;
    }

    void add(HourReads &hours, const HourSpan &span, Timestamp to) const {
        hours.read.push_back(next_);
        hours.day.push_back(span.day.days);
        hours.from.push_back(span.from.microseconds);
        hours.to.push_back(to.microseconds);
        hours.cut.push_back(std::min(span.cut, to).microseconds);
        hours.weight.push_back(int32_t(std::lround(span.weight * 10'000)));
    }

    Plan &plan_;
    const std::vector<SourceDays> &sources_;
    const Zone &zone_;
    int next_ = 0;
};

bool hours_known(const Slice &slice, const std::vector<SourceDays> &sources) {
    return std::all_of(slice.hours.begin(), slice.hours.end(), [&](const HourSpan &span) {
        return std::none_of(sources.begin(), sources.end(),
                            [&](const SourceDays &source) { return source.hours_lost(span.day); });
    });
}

// Expectations must stay cheap: weeks whose hours are no longer kept are not dug out of the facts
// view.
bool hours_kept(const Slice &slice, const std::vector<SourceDays> &sources) {
    return std::all_of(slice.hours.begin(), slice.hours.end(), [&](const HourSpan &span) {
        return std::all_of(sources.begin(), sources.end(),
                           [&](const SourceDays &source) { return span.day >= source.hours_from; });
    });
}

// Every day that a slice touches.
Slice whole_days(const Slice &slice) {
    Slice out{slice.day_from, slice.day_to, {}};
    for (const HourSpan &span : slice.hours) {
        if (out.day_from >= out.day_to) out.day_from = out.day_to = span.day;
        out.day_from = std::min(out.day_from, span.day);
        out.day_to = std::max(out.day_to, span.day + 1);
    }
    return out;
}

}  // namespace

DaySet::DaySet(const std::string &multirange) {
    // {[2026-01-01,2026-01-05),[2026-02-01,)}: canonical, so lower bounds are inclusive and upper
    // ones exclusive.
    size_t i = 1;
    while (i < multirange.size() && multirange[i] != '}') {
        const size_t comma = multirange.find(',', i);
        const size_t close = multirange.find(')', i);
        if (comma == std::string::npos || close == std::string::npos)
            throw Error("XX000", fmt::format("unexpected datemultirange {}", multirange));
        const std::string_view text(multirange);
        ranges_.emplace_back(bound(text.substr(i + 1, comma - i - 1), kAlways),
                             bound(text.substr(comma + 1, close - comma - 1), kNever));
        i = close + 1;
        if (i < multirange.size() && multirange[i] == ',') ++i;
    }
}

void DaySet::add(Date day) {
    if (contain(day)) return;
    if (!ranges_.empty() && ranges_.back().second == day)
        ranges_.back().second = day + 1;
    else
        ranges_.emplace_back(day, day + 1);
}

bool DaySet::contain(Date day) const {
    return std::any_of(ranges_.begin(), ranges_.end(),
                       [&](const auto &range) { return day >= range.first && day < range.second; });
}

std::string DaySet::text() const {
    std::string out = "{";
    for (const auto &[from, to] : ranges_)
        out += fmt::format("{}[{},{})", out.size() > 1 ? "," : "", iso(from), iso(to));
    return out + "}";
}

SourceDays::SourceDays(const SourceInfo &source, const std::string &dirty_days)
    : dirty(dirty_days),
      by_trigger(source.capture == "trigger"),
      hours_from(parse_date(source.hours_from)),
      frozen_before(parse_date(source.frozen_before)) {}

std::optional<Timestamp> SourceDays::so_far_until(Date day) const {
    const auto found = std::find_if(so_far.begin(), so_far.end(),
                                    [&](const auto &entry) { return entry.first == day; });
    return found == so_far.end() ? std::nullopt : std::optional(found->second);
}

void HourReads::add(const HourReads &other, size_t i) {
    read.push_back(other.read[i]);
    day.push_back(other.day[i]);
    from.push_back(other.from[i]);
    to.push_back(other.to[i]);
    cut.push_back(other.cut[i]);
    weight.push_back(other.weight[i]);
}

namespace {

// The reads that `place` gives a number of their own (-1: left out).
template <class F>
Plan renumbered(const Plan &plan, F place) {
    Plan part;
    for (size_t i = 0; i < plan.days.read.size(); ++i) {
        const int32_t read = place(plan.days.read[i]);
        if (read < 0) continue;
        part.days.read.push_back(read);
        part.days.day.push_back(plan.days.day[i]);
    }
    for (size_t i = 0; i < plan.hours.read.size(); ++i) {
        const int32_t read = place(plan.hours.read[i]);
        if (read < 0) continue;
        part.hours.add(plan.hours, i);
        part.hours.read.back() = read;
    }
    for (size_t i = 0; i < plan.so_far.read.size(); ++i) {
        const int32_t read = place(plan.so_far.read[i]);
        if (read < 0) continue;
        part.so_far.add(plan.so_far, i);
        part.so_far.read.back() = read;
    }
    for (size_t i = 0; i < plan.minutes.until.size(); ++i) {
        const int32_t read = place(plan.minutes.hours.read[i]);
        if (read < 0) continue;
        part.minutes.hours.add(plan.minutes.hours, i);
        part.minutes.hours.read.back() = read;
        part.minutes.since.push_back(plan.minutes.since[i]);
        part.minutes.until.push_back(plan.minutes.until[i]);
    }
    return part;
}

}  // namespace

Plan part_of(const Plan &plan, int from, int to) {
    return renumbered(plan, [&](int32_t read) { return read >= from && read < to ? read : -1; });
}

std::optional<Plan> expectation_of(const Plan &plan) {
    const auto open = std::find_if(plan.buckets.begin(), plan.buckets.end(),
                                   [](const PlannedBucket &planned) { return planned.open; });
    if (plan.weeks.empty() || open == plan.buckets.end()) return std::nullopt;
    std::vector<int32_t> wanted{open->read};
    wanted.insert(wanted.end(), plan.weeks.begin(), plan.weeks.end());
    wanted.insert(wanted.end(), plan.presence.begin(), plan.presence.end());
    Plan part = renumbered(plan, [&](int32_t read) {
        const auto found = std::find(wanted.begin(), wanted.end(), read);
        return found == wanted.end() ? -1 : int32_t(found - wanted.begin());
    });
    part.now = plan.now;
    part.every_segment = true;
    part.buckets.push_back(*open);
    part.buckets.back().read = 0;
    part.buckets.back().pair = -1;
    for (size_t i = 0; i < plan.weeks.size(); ++i) {
        part.weeks.push_back(int32_t(1 + i));
        part.presence.push_back(int32_t(1 + plan.weeks.size() + i));
    }
    return part;
}

Plan make_plan(const PlanRequest &request, Range range, Timestamp now, const Zone &zone,
               const std::vector<SourceDays> &sources) {
    Plan plan;
    plan.now = now;
    plan.compares = request.compare != Compare::none;
    // "Until now" by hour ends with the current hour, not with the empty rest of the day.
    if (request.grain == Grain::hour && range.open_end)
        range.to = std::min(range.to, bucket_at(Grain::hour, std::max(now, range.from), zone).end);
    const std::vector<Bucket> all = buckets(request.grain, range, zone);
    const Pairing pairing(request.compare, request.grain, range, all.size(), now, zone);
    Planner planner(plan, sources, zone);
    for (const Bucket &bucket : all) {
        const Slice own = slice(request.grain, bucket, zone);
        plan.buckets.push_back(
            {bucket, planner.add(own), -1, is_open(bucket, now), !hours_known(own, sources)});
    }
    for (PlannedBucket &planned : plan.buckets) {
        const auto counterpart = pairing.counterpart(planned.bucket);
        if (counterpart && hours_known(*counterpart, sources))
            planned.pair = planner.add(*counterpart);
    }
    if (request.lead > 0 && request.grain == Grain::total)
        throw Error("22023", "a moving average needs buckets, grain \"total\" has one", {},
                    "Use hour, day, week (ISO), month, quarter or year.");
    for (int i = 0; i < request.lead; ++i) {
        const Timestamp next =
            plan.lead.empty() ? all.front().start : plan.lead.back().bucket.start;
        const Bucket bucket = bucket_at(request.grain, {next.microseconds - 1}, zone);
        const Slice own = slice(request.grain, bucket, zone);
        plan.lead.push_back({bucket, planner.add(own), -1, false, !hours_known(own, sources)});
    }
    std::reverse(plan.lead.begin(), plan.lead.end());
    if (!request.expects || (request.grain != Grain::day && request.grain != Grain::week))
        return plan;
    for (const PlannedBucket &planned : plan.buckets) {
        if (!planned.open) continue;
        std::vector<Slice> past;
        for (int week = 1; week <= kExpectedWeeks; ++week) {
            past.push_back(so_far(planned.bucket, now, week, zone));
            if (!hours_kept(past.back(), sources)) past.pop_back();
        }
        if (int(past.size()) < kExpectedAtLeast) break;
        for (const Slice &slice : past) plan.weeks.push_back(planner.add(slice));
        for (const Slice &slice : past) plan.presence.push_back(planner.add(whole_days(slice)));
    }
    return plan;
}

Plan make_plan(Grain grain, const Bucket &bucket, Timestamp now, const Zone &zone,
               const std::vector<SourceDays> &sources) {
    Plan plan;
    plan.now = now;
    Planner planner(plan, sources, zone);
    const Slice own = slice(grain, bucket, zone);
    plan.buckets.push_back(
        {bucket, planner.add(own), -1, is_open(bucket, now), !hours_known(own, sources)});
    return plan;
}

Plan rolling_plan(Timestamp from, Timestamp to, Timestamp now, const Zone &zone,
                  const std::vector<SourceDays> &sources) {
    Plan plan;
    plan.now = now;
    Planner planner(plan, sources, zone);
    const Bucket first = bucket_at(Grain::hour, from, zone);
    const Bucket last = bucket_at(Grain::hour, to, zone);
    // Where the wall clock begins an hour next. A clock that is set by half an hour is at half past
    // after an hour: then the part goes on to the hour after that.
    Timestamp next{first.start.microseconds + kHour};
    if (const Bucket odd = bucket_at(Grain::hour, next, zone); odd.start != next)
        next = {odd.start.microseconds + kHour};
    const Bucket head{first.day, first.start, next, from, next};
    const Bucket whole{first.day, first.start, last.end, from == first.start ? from : next,
                       last.start};
    if (last.start < whole.from) {
        planner.add_part({first.day, first.start, last.end, from, to}, now);
    } else {
        if (first.start < from) planner.add_part(head, now);
        if (last.start < to)
            planner.add_part({last.day, last.start, last.end, last.start, to}, now);
    }
    const Slice hours = whole.from < whole.to ? slice(Grain::total, whole, zone) : Slice{};
    Slice touched = hours;
    touched.hours.push_back({first.day, first.start, first.end});
    plan.buckets.push_back({whole, planner.add(hours), -1, false, !hours_known(touched, sources)});
    return plan;
}

}  // namespace kpi::engine
