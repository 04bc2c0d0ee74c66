#include "worker/courier.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/error.hpp"
#include "net/sink/kind.hpp"
#include "pg/process.hpp"
#include "pg/seats.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"
#include "worker/conversation.hpp"

namespace kpi::worker {
namespace {

constexpr int64_t kSecond = 1'000'000;  // microseconds, as all times here
constexpr int64_t kLongestWait = 5 * kSecond;
constexpr int64_t kLease = 60'000;  // milliseconds; renewed while the message is in flight
constexpr int64_t kRenewEvery = 20 * kSecond;
constexpr int64_t kRescueEvery = 5 * kSecond;
constexpr int64_t kBusy = 50'000;
constexpr int64_t kForgetEvery = 600 * kSecond;
constexpr int kInFlight = 128;  // of all sinks
constexpr int kOwnRoom = 4;     // of one, whatever the others have in flight
constexpr int kFailedLooks = 10;

// Sinks that have no room left: nothing of theirs is claimed before something in flight has ended.
std::vector<std::string> full_sinks(const std::vector<delivery::Spec> &sinks,
                                    const std::vector<delivery::Room> &rooms,
                                    const std::vector<delivery::Claimed> &claimed) {
    std::map<std::string, int> left;
    for (const delivery::Room &room : rooms) left[room.sink] = room.free;
    for (const delivery::Claimed &message : claimed) --left[message.sink];
    std::vector<std::string> names;
    for (const delivery::Spec &sink : sinks)
        if (!sink.open && left[sink.sink.name] <= 0) names.push_back(sink.sink.name);
    return names;
}

}  // namespace

void Courier::renew_host_list() {
    const char *hosts = pg::settings().allowed_hosts;
    const std::string wanted = hosts == nullptr ? "" : hosts;
    if (multi_ && (hosts_ == wanted || !flights_.empty())) return;
    multi_ = std::make_unique<net::Multi>(net::Egress(wanted));
    hosts_ = wanted;
}

std::vector<delivery::Room> Courier::rooms(const std::vector<delivery::Spec> &sinks) {
    std::vector<delivery::Room> result;
    const int64_t now = pg::ticks();
    int left = kInFlight - std::min(kInFlight, int(flights_.size()));
    for (const delivery::Spec &sink : sinks) {
        if (!sink.unusable.empty() || sink.open) continue;
        Desk &desk = desks_[sink.sink.name];
        int free = (sink.half_open ? 1 : sink.parallel) - desk.in_flight;
        if (sink.rate > 0) {
            const double burst = std::max(1.0, sink.rate);
            desk.tokens = std::min(
                burst, desk.tokens + sink.rate * double(now - desk.counted_at) / double(kSecond));
            desk.counted_at = now;
            if (free > int(desk.tokens)) {
                free = int(desk.tokens);
                const double missing = (1 - (desk.tokens - std::floor(desk.tokens))) / sink.rate;
                due_at_ = std::min(due_at_, now + int64_t(missing * double(kSecond)) + 1000);
            }
        }
        // Some room is a sink's own, so that receivers that hang cannot take it all.
        free = std::min(free, std::max(left, kOwnRoom - desk.in_flight));
        if (free <= 0) continue;
        left -= free;
        result.push_back({sink.sink.name, free, desk.after_group});
    }
    return result;
}

bool Courier::look() {
    std::vector<delivery::Spec> sinks;
    std::vector<delivery::Claimed> claimed;
    const int64_t now = pg::ticks();
    look_ = false;
    due_at_ = now + kLongestWait;
    // The list changes only between flights.
    renew_host_list();
    const char *hosts = pg::settings().allowed_hosts;
    const bool claiming = !draining_ && hosts_ == (hosts == nullptr ? "" : hosts);
    const bool rescue = now - rescued_at_ >= kRescueEvery;
    const bool renewal = !flights_.empty() && now - renewed_at_ >= kRenewEvery;
    std::vector<std::pair<int64_t, int>> held;
    for (const auto &[serial, flight] : flights_)
        held.emplace_back(flight.claimed.id, flight.claimed.attempt);
    steps_.run([&] {
        if (!settled_.empty()) delivery::settle(settled_);
        // Before the rescue: a process that was stopped for long still has its messages.
        if (renewal) delivery::renew(held, kLease);
        if (rescue) (void)delivery::release_lost(held);
        if (!claiming) return;
        sinks = delivery::every_sink();
        const auto room = rooms(sinks);
        if (!room.empty()) claimed = delivery::claim(room, kLease);
        // What is due and was not claimed is in somebody else's hands: no reason to spin.
        if (const auto next = delivery::next_due(full_sinks(sinks, room, claimed)))
            due_at_ = std::min(due_at_, now + std::max(*next - pg::now(), kBusy));
    });
    settled_.clear();
    if (rescue) rescued_at_ = now;
    if (renewal || flights_.empty()) renewed_at_ = now;
    for (delivery::Claimed &message : claimed) {
        const auto sink = std::find_if(sinks.begin(), sinks.end(), [&](const delivery::Spec &s) {
            return s.sink.name == message.sink;
        });
        Desk &desk = desks_[message.sink];
        ++desk.in_flight;
        desk.tokens -= 1;
        if (!message.group_key.empty()) desk.after_group = message.group_key;
        depart(std::move(message), *sink);
    }
    // Groups after the last one were looked at: the next look begins with the first.
    if (claimed.empty())
        for (auto &[name, desk] : desks_) desk.after_group.clear();
    return !claimed.empty();
}

// A step of its own: what goes wrong with it delays no message.
void Courier::forget_old() {
    const int64_t now = pg::ticks();
    if (now < forget_at_) return;
    forget_at_ = now + kForgetEvery;
    try {
        bool more = false;
        steps_.run([&] { more = delivery::forget_old(); });
        if (more) forget_at_ = now + kSecond;
    } catch (const Error &error) {
        if (steps_.gone()) throw;
        pg::log(pg::Level::warning, "old messages could not be deleted: " + error.message,
                error.detail, error.hint);
    }
}

void Courier::depart(delivery::Claimed claimed, const delivery::Spec &sink) {
    const int64_t serial = ++serial_;
    claimed.message.unix_time = unix_now();
    Flight flight;
    flight.limits = sink.limits;
    flight.secrets = secrets_of(sink.sink);
    flight.started_at = pg::now();
    flight.started_ticks = pg::ticks();
    flight.claimed = std::move(claimed);
    Flight &started = flights_.emplace(serial, std::move(flight)).first->second;
    net::Step step = guarded(
        [&] { return net::kind(sink.sink.kind).deliver(sink.sink, started.claimed.message); });
    started.claimed.message.content.reset();  // the request has its own
    go_on(serial, std::move(step));
}

void Courier::go_on(int64_t serial, net::Step step) {
    if (auto *outcome = std::get_if<net::Outcome>(&step)) {
        conclude(serial, std::move(*outcome));
        return;
    }
    Flight &flight = flights_.at(serial);
    auto &next = std::get<std::unique_ptr<net::Exchange>>(step);
    flight.then = std::move(next->then);
    multi_->start(serial, std::move(next->request), flight.limits);
}

void Courier::conclude(int64_t serial, net::Outcome outcome) {
    const auto found = flights_.find(serial);
    Flight &flight = found->second;
    redact(outcome.error, flight.secrets);
    settled_.push_back({flight.claimed.id, flight.claimed.attempt, std::move(outcome),
                        flight.started_at, (pg::ticks() - flight.started_ticks) / 1000, flight.sent,
                        flight.received});
    --desks_[flight.claimed.sink].in_flight;
    flights_.erase(found);
    look_ = true;
}

void Courier::wait() {
    const int64_t now = pg::ticks();
    int64_t pause = look_ ? 0 : std::max<int64_t>(due_at_ - now, 0) / 1000 + 1;
    if (!flights_.empty()) pause = std::min<int64_t>(pause, kRenewEvery / 1000);
    if (multi_) {
        const int64_t curl = multi_->timeout();
        if (curl >= 0) pause = std::min(pause, curl);
        if (watched_ != multi_->sockets_version()) {
            waiter_.watch(multi_->sockets());
            watched_ = multi_->sockets_version();
        }
    }
    waiter_.wait(pause);
    if (waiter_.rung() || pg::ticks() >= due_at_) look_ = true;
    if (!multi_) return;
    multi_->act(waiter_.happened());
    for (auto &[serial, answer] : multi_->finished()) {
        Flight &flight = flights_.at(serial);
        flight.sent += answer.sent;
        flight.received += answer.received;
        const auto then = std::exchange(flight.then, {});
        const net::Response &given = answer;
        go_on(serial, guarded([&] { return then(given); }));
    }
}

void Courier::wait_for_work() {
    do wait();
    while (!look_);
}

void Courier::postpone() {
    look_ = false;
    due_at_ = pg::ticks() + kSecond;
}

void run_courier() {
    pg::take_helper_seat(pg::Helper::courier);
    pg::LoopMemory memory;
    Steps steps;
    Courier courier(steps);
    int failures = 0;
    bool ending = false;
    for (;;) {
        memory.reset();
        if (!ending && pg::helper_must_end(pg::Helper::courier)) {
            ending = true;
            courier.drain();
            pg::leave_helper_seat(pg::Helper::courier);
        }
        if (ending && courier.idle()) return;
        try {
            pg::report_activity("kpi_ext: delivering");
            (void)courier.look();
            courier.forget_old();
            failures = 0;
        } catch (const Error &error) {
            if (steps.gone()) return;
            if (++failures >= kFailedLooks) throw;
            courier.postpone();
            pg::log(pg::Level::log, "kpi_ext courier: a round failed: " + error.message,
                    error.detail, error.hint);
        }
        pg::report_activity({});
        courier.wait_for_work();
    }
}

void deliver_by_hand(Steps &steps) {
    Courier courier(steps);
    while (courier.look() || !courier.idle())
        if (!courier.idle()) courier.wait_for_work();
    courier.forget_old();
}

}  // namespace kpi::worker
