#include "worker/courier.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/error.hpp"
#include "net/kind.hpp"
#include "pg/process.hpp"
#include "pg/settings.hpp"
#include "pg/shared.hpp"
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
constexpr size_t kInFlight = 64;
constexpr int kFailedLooks = 10;

std::vector<std::string> without_room(const std::vector<delivery::Spec> &sinks,
                                      const std::vector<delivery::Room> &rooms) {
    std::vector<std::string> names;
    for (const delivery::Spec &sink : sinks) {
        const std::string &name = sink.sink.name;
        if (std::none_of(rooms.begin(), rooms.end(),
                         [&](const delivery::Room &room) { return room.sink == name; }))
            names.push_back(name);
    }
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
    const int64_t now = pg::now();
    size_t left = kInFlight - std::min(kInFlight, flights_.size());
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
        free = std::min(free, int(left));
        if (free <= 0) continue;
        left -= size_t(free);
        result.push_back({sink.sink.name, free, desk.after_group});
    }
    return result;
}

bool Courier::look() {
    std::vector<delivery::Spec> sinks;
    std::vector<delivery::Claimed> claimed;
    const int64_t now = pg::now();
    look_ = false;
    due_at_ = now + kLongestWait;
    // The list changes only between flights.
    renew_host_list();
    const char *hosts = pg::settings().allowed_hosts;
    const bool claiming = !draining_ && hosts_ == (hosts == nullptr ? "" : hosts);
    const bool rescue = now - rescued_at_ >= kRescueEvery;
    const bool renewal = !flights_.empty() && now - renewed_at_ >= kRenewEvery;
    std::vector<std::pair<int64_t, int>> held;
    for (const auto &[id, flight] : flights_) held.emplace_back(id, flight.claimed.attempt);
    steps_.run([&] {
        if (!settled_.empty()) delivery::settle(settled_);
        if (rescue) (void)delivery::release_lost();
        if (renewal) delivery::renew(held, kLease);
        if (!claiming) return;
        sinks = delivery::usable_sinks();
        const auto room = rooms(sinks);
        if (!room.empty()) claimed = delivery::claim(room, kLease);
        if (!claimed.empty()) return;
        // What is due and was not claimed is in somebody else's hands: no reason to spin.
        if (const auto next = delivery::next_due(without_room(sinks, room)))
            due_at_ = std::min(due_at_, std::max(*next, now + kBusy));
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
    else
        look_ = true;
    return !claimed.empty();
}

void Courier::depart(delivery::Claimed claimed, const delivery::Spec &sink) {
    const int64_t id = claimed.id;
    claimed.message.unix_time = unix_now();
    Flight flight;
    flight.limits = sink.limits;
    flight.secrets = secrets_of(sink.sink);
    flight.started_at = pg::now();
    flight.claimed = std::move(claimed);
    Flight &started = flights_.insert_or_assign(id, std::move(flight)).first->second;
    net::Step step = guarded(
        [&] { return net::kind(sink.sink.kind).deliver(sink.sink, started.claimed.message); });
    started.claimed.message.content.reset();  // the request has its own
    go_on(id, std::move(step));
}

void Courier::go_on(int64_t id, net::Step step) {
    if (auto *outcome = std::get_if<net::Outcome>(&step)) {
        conclude(id, std::move(*outcome));
        return;
    }
    Flight &flight = flights_.at(id);
    auto &next = std::get<std::unique_ptr<net::Exchange>>(step);
    flight.then = std::move(next->then);
    multi_->start(id, std::move(next->request), flight.limits);
}

void Courier::conclude(int64_t id, net::Outcome outcome) {
    const auto found = flights_.find(id);
    Flight &flight = found->second;
    redact(outcome.error, flight.secrets);
    settled_.push_back({id, flight.claimed.attempt, std::move(outcome), flight.started_at,
                        (pg::now() - flight.started_at) / 1000, flight.sent, flight.received});
    --desks_[flight.claimed.sink].in_flight;
    flights_.erase(found);
    look_ = true;
}

void Courier::wait() {
    const int64_t now = pg::now();
    int64_t pause = look_ ? 0 : std::max<int64_t>(due_at_ - now, 0) / 1000 + 1;
    if (!flights_.empty()) pause = std::min<int64_t>(pause, kRenewEvery / 1000);
    if (multi_) {
        const int64_t curl = multi_->timeout();
        if (curl >= 0) pause = std::min(pause, curl);
        if (watched_ != multi_->sockets_version()) {
            std::vector<pg::SocketWatch> watches;
            for (const net::SocketEvent &socket : multi_->sockets())
                watches.push_back({socket.socket, socket.readable, socket.writable});
            waiter_.watch(watches);
            watched_ = multi_->sockets_version();
        }
    }
    waiter_.wait(pause);
    std::vector<net::SocketEvent> events;
    for (const pg::SocketWatch &event : waiter_.happened())
        events.push_back({event.socket, event.readable, event.writable});
    if (waiter_.rung() || pg::now() >= due_at_) look_ = true;
    if (!multi_) return;
    multi_->act(events);
    for (auto &[id, answer] : multi_->finished()) {
        Flight &flight = flights_.at(id);
        flight.sent += answer.sent;
        flight.received += answer.received;
        const auto then = std::exchange(flight.then, {});
        const net::Response &given = answer;
        go_on(id, guarded([&] { return then(given); }));
    }
}

void Courier::wait_for_work() {
    do wait();
    while (!look_);
}

void Courier::postpone() {
    look_ = false;
    due_at_ = pg::now() + kSecond;
}

void run_courier() {
    pg::take_courier_seat();
    pg::LoopMemory memory;
    Steps steps;
    Courier courier(steps);
    int failures = 0;
    for (;;) {
        memory.reset();
        if (pg::courier_must_end()) {
            courier.drain();
            if (courier.idle()) return;
        }
        try {
            pg::report_activity("kpi_ext: delivering");
            (void)courier.look();
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
}

}  // namespace kpi::worker
