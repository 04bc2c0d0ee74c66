// Judging a value by its outlook: bad, good, or not to be told yet.
//
// An open bucket is bad only when it is clear that its end will be: so far it has less than its
// share of the limit, by more than 2.5 sigmas of what can still come. The spread of what is there
// by now, when the whole ends at the limit L, is that of a bridge: L sigma sqrt(s (1 - s)), s the
// share of the bucket that is usually there by now; whole numbers have sigma 1/sqrt(L) at least.
// To that comes the shape of the day itself, which is never known better than a quarter. At the end
// of the bucket the spread is nothing and the comparison exact; in its first minutes nothing is
// clear. Good is clear sooner: at the pace of the limit or better.
#pragma once

#include "monitor/judge/life.hpp"
#include "monitor/judge/outlook.hpp"

namespace kpi::monitor {

struct Observed {
    double closed = kNone, closed_trials = kNone;
    double open = kNone, open_trials = kNone;
    double within = 0;   // place in the hour of the outlook, from 0 to 1
    double elapsed = 0;  // of the open bucket, by the clock
};

struct Verdict {
    Seen seen = Seen::unclear;
    Side side = Side::both;   // on which it is off
    double value = kNone;     // what was judged
    double expected = kNone;  // by now
    double limit = kNone;     // by now
    double p = kNone;         // of anomalies
    double share = 1;         // of the bucket that is usually there
};

Verdict judge(const Inquiry &question, const Outlook &outlook, const Observed &observed);

}  // namespace kpi::monitor
