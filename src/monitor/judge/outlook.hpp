// What a series should be, kept from look to look: everything that closed buckets say about the
// last of them and about the one in progress. Made once an hour from the history; judging a value
// by it (verdict.hpp) costs nothing.
//
// Rules:  the judged bucket is never in its own baseline. Days of the calendar with effect ignore
//         or widen are not learnt from. What a bucket should be: the median of the last 8 buckets
//         of the same cell of the season (weekday, hour of the week); with fewer than 3 of them the
//         median of the last 14 buckets, and with fewer than 7 nothing.
// Units:  of the metric. NaN is "not known" or "no limit".
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>

#include "monitor/judge/inquiry.hpp"

namespace kpi::monitor {

struct Limits {
    double low = kNone, high = kNone;  // beyond which it is bad
    double expected = kNone;
    detect::Effect event = detect::Effect::none;
};

struct Outlook {
    Limits closed, open;
    double sigma = 0.3;  // relative spread of a whole bucket around what is expected
    // Share of the open bucket that is usually there at the beginning and at the end of this hour.
    double share_then = 0, share_next = 1;
    // Of the anomaly detector, at both moments: outside of it the value so far is flagged.
    double lower_then = kNone, lower_next = kNone, upper_then = kNone, upper_next = kNone;
    double usual_then = kNone, usual_next = kNone;
    // The detector's word on the last closed bucket, as its value was then.
    double closed_value = kNone, closed_p = kNone, closed_expected = kNone;
    double empty_before = 0;  // buckets without data before the last closed one
    bool closed_flagged = false;
    bool closed_judged = false;  // the detector has learnt enough
    bool counts = false;         // whole numbers, none negative
    bool active = false;         // has had data in most buckets
    bool fresh = false;          // has never had any before the last closed bucket
    bool fresh_open = false;     // nor in that one
};
static_assert(std::is_trivially_copyable_v<Outlook>);

struct History {
    std::span<const double> values;         // closed buckets, oldest first; the last is judged
    std::span<const double> trials;         // of rates, likewise; empty otherwise
    std::span<const std::int64_t> periods;  // number of each bucket on its grid; one more: the open
    std::span<const detect::Effect> effects;  // likewise
    std::span<const std::uint32_t> events;    // likewise; identity of the calendar's entry
    double share_then = 0, share_next = 1;
    // Closed buckets since the whole had any data: the zeros before them were never counted, and
    // the first of them is seldom whole.
    int known = 0;
};

Outlook make_outlook(const Inquiry &question, const History &history);
// Of a segment that has no history: it may be new.
Outlook outlook_of_nothing(int known);

// Whether a closed bucket, of so many, says anything about what is usual.
bool is_known(size_t bucket, size_t closed, int known);
// The cell of the season that a bucket is in.
int cell_of(Grain grain, std::int64_t period);
// NaN for no values.
double median(std::span<const double> values);

}  // namespace kpi::monitor
