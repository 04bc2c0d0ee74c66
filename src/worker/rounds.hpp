// A round: everything that is due in one database, each step in its own transaction, each source on
// its own: an error is kept in kpi.source_state.last_error, that source waits (1 s, 2 s, 4 s ... 5
// min), the others go on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/announcement.hpp"
#include "core/error.hpp"
#include "pg/seats.hpp"
#include "worker/leisure.hpp"
#include "worker/patience.hpp"
#include "worker/refresh.hpp"
#include "worker/steps.hpp"
#include "worker/watch.hpp"

namespace kpi::engine {
struct Progress;
}

namespace kpi::worker {

// timed: windows are recomputed when kpi.window_interval has passed; everything: now.
enum class Demand { timed, everything };
// What a round leaves: nothing; something that must wait (a source that failed, or is worked on by
// somebody else); more of the same, to be called again at once.
enum class Rest { drained, blocked, unfinished };

class Rounds {
public:
    explicit Rounds(Steps &steps);
    // Throws only when the extension is gone (Steps::gone) or the registry cannot be read.
    Rest run(Demand demand);
    // When the rules are to be looked at, work or not (pg::ticks()).
    int64_t look_due() const { return std::min(watch_.due(), watch_.news_due()); }

private:
    struct Source {
        std::string name;
        bool dirty = false;
        bool window_due = false;
        bool by_trigger = false;
    };
    struct Health {
        Patience patience;
        bool clean = false;      // this process has seen that no error is on record
        int64_t expired_at = 0;  // last look at hour retention
        int64_t keep_due = 0;    // next look at the sums of past days up to now
    };

    std::vector<Source> due_sources(Demand demand);
    void work_on(const Source &source);
    void leave(Rest rest) { rest_ = std::max(rest_, rest); }
    engine::Progress step(const std::string &source, engine::Progress (*work)(const std::string &));
    void keep_so_far(const std::string &source);
    void spend_leisure(const std::vector<Source> &sources);
    void follow_owners();
    void fold_errors();
    void failed(const std::string &source, const Error &error, int64_t took);
    void succeeded(const std::string &source);

    Steps &steps_;
    Refresher refresher_;
    Leisure leisure_;
    Watch watch_;
    Announcement changes_;
    std::map<std::string, Health> health_;
    int64_t folded_at_ = 0;
    pg::Suspect suspect_;  // what the worker before this one died of
    Rest rest_ = Rest::drained;
};

}  // namespace kpi::worker
