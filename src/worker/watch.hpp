// When the worker looks at the rules: after a round that changed numbers, at most once a second and
// a fifth of the time, when time alone changes an incident, and at least every minute. One look is
// one step, in one snapshot. Incidents are changed by others too (people, checks, jobs), who ring:
// each round sees whether what is shown of them has changed, at most five times a second and a
// fifth of the time, as it reads all that are open (10 ms for 5,000).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/pace.hpp"
#include "monitor/rule/evaluate.hpp"
#include "worker/patience.hpp"
#include "worker/steps.hpp"

namespace kpi::worker {

class Watch {
public:
    explicit Watch(Steps &steps) : steps_(steps) {}
    void numbers_changed() { changed_ = true; }
    // When the next look is due (pg::ticks()).
    int64_t due() const;
    // Throws only when the extension is gone.
    void look();
    // How many incidents fire now; nullopt: the list of them is what it was the last time, or it is
    // too early to read it again: then news_due() says when.
    std::optional<int> news();
    int64_t news_due() const;

private:
    monitor::Evaluated judge();

    Steps &steps_;
    Pace pace_;
    Patience patience_;
    bool changed_ = true;
    int64_t next_at_ = 0;
    Pace news_pace_;
    bool looked_ = false, postponed_ = false;
    std::optional<std::string> shown_;  // monitor::Board::mark
};

}  // namespace kpi::worker
