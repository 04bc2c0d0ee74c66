// What a reading makes of the incidents of its rule: one for each series that is bad, or one with
// members when they are many; a narrower or lesser problem of the same metric belongs to the
// broader one, which speaks for it. Needs an open Spi and the rights of the extension's owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "monitor/incident/observe.hpp"
#include "monitor/rule/reading.hpp"

namespace kpi::monitor {

// Incidents that fire, by what they are about: whose voice counts.
class Leaders {
public:
    // Those that are open now.
    void load();
    // Of the same metric and side, and of the total, or of the same segment and no less severe.
    std::optional<std::int64_t> leader_of(const Rule &rule, Side side, const std::string &scope,
                                          std::int64_t self) const;
    void add(const Rule &rule, Side side, const std::string &scope, const Incident &incident);

private:
    struct Leader {
        std::int64_t id = 0;
        std::string metric, scope;  // scope: segment as JSON, {} for the total
        Side side = Side::both;
        int rank = 0;  // 0: critical
    };
    std::vector<Leader> leaders_;
};

struct Applied {
    int firing = 0;  // incidents that speak for themselves
    int bad = 0, unclear = 0, series = 0;
    std::int64_t next_change = INT64_MAX;  // when time alone may change one
};

// `inhibited`: nothing is judged while the data are not to be trusted.
Applied apply(const Rule &rule, const Reading &reading, bool inhibited, Leaders &leaders,
              std::int64_t now);

}  // namespace kpi::monitor
