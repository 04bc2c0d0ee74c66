// monitor/judge: what is decided about rules and incidents, as plain values: no SQL, no clock.
//
// The life of an incident: pending -> firing -> acknowledged -> resolved.
//
//   none      --bad-->               pending, or firing at once without `hold`
//   pending   --bad, held so long--> firing (and it is told)
//   pending   --good-->              none: nobody was told
//   firing    --good, so long-->     resolved (told, when the beginning was)
//   firing    --acknowledged by a person--> acknowledged: no repeats, no escalation
//   resolved                         the end: the next trouble is another incident
// What is seen may be unclear (too early in the day, no data to judge by): that changes nothing.
//
// Units: microseconds since 2000; 0 means never.
#pragma once

#include <cstdint>

namespace kpi::monitor {

enum class Seen : std::uint8_t { good, unclear, bad };
enum class Phase : std::uint8_t { none, pending, firing, acknowledged, resolved };
// muted: a silence holds. quiet: a part of another incident, which speaks for it.
enum class Voice : std::uint8_t { speaks, muted, quiet };
// What is to be said. unmuted: it fires still, and the silence has ended.
enum class Word : std::uint8_t { none, opened, unmuted, repeated, escalated, resolved };

// How patient a rule is. 0: at once, or never.
struct Terms {
    std::int64_t hold = 0;         // bad for so long before it fires
    std::int64_t keep_firing = 0;  // good for so long before it is resolved
    std::int64_t repeat_every = 0;
    std::int64_t escalate_after = 0;  // without acknowledgement
    int max_repeats = 0;
};

struct Life {
    Phase phase = Phase::none;
    std::int64_t started = 0, fired = 0, ended = 0;
    std::int64_t recovering = 0;  // good since
    std::int64_t first_told = 0, last_told = 0;
    int repeats = 0;
    bool muted = false;  // something would have been said, but for a silence
    bool escalated = false;

    bool open() const { return phase != Phase::none && phase != Phase::resolved; }
    bool operator==(const Life &) const = default;
};

struct Next {
    Life life;
    Word word = Word::none;
};

// When time alone may change it: a pending one fires, a recovering one is resolved. 0: never.
std::int64_t next_change(const Life &life, const Terms &terms);

// One look at `now`. A life that is none or resolved begins anew when `seen` is bad.
Next advance(Life life, Seen seen, const Terms &terms, Voice voice, std::int64_t now);

}  // namespace kpi::monitor
