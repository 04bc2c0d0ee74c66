#include "core/funnel.hpp"

#include <algorithm>

namespace kpi {
namespace {

class Key {
public:
    Key(const std::vector<FunnelEvent> &events, const FunnelRules &rules) : rules_(rules) {
        times_.resize(size_t(rules.steps));
        for (const FunnelEvent &event : events)
            if (event.step > 0) times_[size_t(event.step)].push_back(event.at);
        for (std::vector<int64_t> &times : times_) std::sort(times.begin(), times.end());
    }

    std::vector<int64_t> attempt(int64_t begin) const {
        std::vector<int64_t> reached{begin};
        const int64_t until = rules_.until(begin);
        for (size_t step = 1; step < times_.size(); ++step) {
            const std::vector<int64_t> &times = times_[step];
            const auto next = rules_.later[step]
                                  ? std::upper_bound(times.begin(), times.end(), reached.back())
                                  : std::lower_bound(times.begin(), times.end(), reached.back());
            if (next == times.end() || *next > until) break;
            reached.push_back(*next);
        }
        return reached;
    }

private:
    const FunnelRules &rules_;
    std::vector<std::vector<int64_t>> times_;
};

}  // namespace

std::vector<FunnelAttempt> best_attempts(const std::vector<FunnelEvent> &events,
                                         const FunnelRules &rules) {
    const Key key(events, rules);
    std::vector<FunnelAttempt> out;
    for (const FunnelEvent &event : events) {
        if (event.step != 0) continue;
        const bool other = out.empty() || out.back().segment != event.segment;
        if (!other && out.back().times.size() == size_t(rules.steps)) continue;
        std::vector<int64_t> times = key.attempt(event.at);
        if (other)
            out.push_back({event.segment, std::move(times)});
        else if (times.size() > out.back().times.size())
            out.back().times = std::move(times);
    }
    return out;
}

int64_t Occurrences::median() const {
    if (total_ == 0) return 0;
    std::vector<std::pair<int64_t, int64_t>> sorted(count_.begin(), count_.end());
    std::sort(sorted.begin(), sorted.end());
    const auto at = [&](int64_t place) {
        for (const auto &[number, count] : sorted) {
            if (place < count) return number;
            place -= count;
        }
        return sorted.back().first;
    };
    const int64_t low = at((total_ - 1) / 2);
    return low + (at(total_ / 2) - low) / 2;
}

}  // namespace kpi
