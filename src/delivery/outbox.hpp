// The courier's side of the outbox: claim, settle, and what becomes of messages whose sender died.
// Needs an open Spi in a READ COMMITTED transaction; runs as the extension's owner.
//
// A claim counts the attempt and takes a lease. A settle names the attempt and changes only the
// message that is still claimed by it: a late one leaves its row in kpi.delivery and nothing else.
// Order: of a group_key only the unsettled message with the smallest id can be claimed, whatever
// it waits for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/wire/step.hpp"

namespace kpi::delivery {

// No lease is longer, so that a clock that was set back strands no message.
constexpr int64_t kLongestLease = 3'600'000;  // milliseconds

// How many messages of a sink may be claimed now. Groups after `after_group` come first, so that
// each group has its turn.
struct Room {
    std::string sink;
    int free = 0;
    std::string after_group;
};

struct Claimed {
    int64_t id = 0;
    int attempt = 0;
    std::string sink;
    std::string group_key;  // empty: none
    net::Message message;
};
// One statement; rows that others hold locked are passed over. Groups come in the order of their
// turns.
std::vector<Claimed> claim(const std::vector<Room> &rooms, int64_t lease_milliseconds);
void renew(const std::vector<std::pair<int64_t, int>> &id_attempt, int64_t lease_milliseconds);

// Takes back what nobody sends any more: the lease is over or longer than a lease can be, or the
// process that claimed it has ended. Pending again at once, dead after the sink's last attempt.
// Not what the caller itself has in flight, `held`: when the server's clock is set, its leases look
// over. Returns the number of messages.
int64_t release_lost(const std::vector<std::pair<int64_t, int>> &held_id_attempt);

// Deletes some of the messages settled longer ago than kpi.outbox_retention, with their attempts.
// Returns whether there may be more.
bool forget_old();

// When the first message of a usable sink may be claimed (microseconds since 2000), past for one
// that is due; `full`: sinks that have no room now. nullopt: no message waits.
std::optional<int64_t> next_due(const std::vector<std::string> &full = {});

struct Settled {
    int64_t id = 0;
    int attempt = 0;
    net::Outcome outcome;
    int64_t started_at = 0;  // microseconds since 2000
    int64_t duration_ms = 0;
    int64_t sent = 0, received = 0;  // bytes
};
// Any number in one go. Waits before the next attempt: at random up to 1 s, 2 s, 4 s ... 1 h
// ("full jitter"), and not less than the receiver asked for. The circuit breaker of a sink opens
// after 5 times in a row that the receiver was down, for 5 s up to a bound that doubles to 10 min.
void settle(const std::vector<Settled> &settled);

}  // namespace kpi::delivery
