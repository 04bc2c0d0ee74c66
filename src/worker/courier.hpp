// The courier: takes messages out of the outbox, sends them, records what came of it. A process of
// its own beside the worker of the database, so that a slow receiver delays no merge and a slow
// refresh delays no message; CALL kpi.work() runs the same object in the caller's session.
//
// Claim (one transaction) -> send, with no transaction open -> settle (one transaction). What it
// waits for is one set: latch, postmaster death and curl's sockets. One message's failure is that
// message's; a step that fails is logged and tried again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "delivery/outbox.hpp"
#include "delivery/sinks.hpp"
#include "net/wire/multi.hpp"
#include "net/wire/step.hpp"
#include "pg/waiter.hpp"
#include "worker/steps.hpp"

namespace kpi::worker {

class Courier {
public:
    explicit Courier(Steps &steps) : steps_(steps) {}

    // Settles what has ended and claims what there is room for: one transaction. Returns whether
    // it claimed anything.
    bool look();
    // Claims no more, so that what is in flight comes to its end.
    void drain() { draining_ = true; }
    bool idle() const { return flights_.empty() && settled_.empty(); }
    // Lets the conversations go on until look() has something to do, or may have.
    void wait_for_work();
    // Deletes messages past their retention, now and then.
    void forget_old();
    // After a look() that failed: not again at once.
    void postpone();

private:
    void wait();
    struct Flight {
        delivery::Claimed claimed;
        net::Limits limits;
        std::vector<std::string> secrets;  // never to be shown
        std::function<net::Step(const net::Response &)> then;
        int64_t started_at = 0;     // microseconds since 2000
        int64_t started_ticks = 0;  // as pg::ticks
        int64_t sent = 0, received = 0;
    };
    // Room of one sink, kept between looks.
    struct Desk {
        int in_flight = 0;
        double tokens = 1;
        int64_t counted_at = 0;
        std::string after_group;
    };

    std::vector<delivery::Room> rooms(const std::vector<delivery::Spec> &sinks);
    void renew_host_list();
    void depart(delivery::Claimed claimed, const delivery::Spec &sink);
    void go_on(int64_t serial, net::Step step);
    void conclude(int64_t serial, net::Outcome outcome);

    Steps &steps_;
    pg::Waiter waiter_;
    std::unique_ptr<net::Multi> multi_;
    std::string hosts_;
    uint64_t watched_ = 0;
    // By a number of their own: a message whose lease was lost may be in flight twice.
    std::map<int64_t, Flight> flights_;
    int64_t serial_ = 0;
    std::map<std::string, Desk> desks_;
    std::vector<delivery::Settled> settled_;
    bool draining_ = false;
    bool look_ = true;  // something may be due
    // As pg::ticks.
    int64_t due_at_ = 0, rescued_at_ = 0, renewed_at_ = 0, forget_at_ = 0;
};

// The main of the process.
void run_courier();
// For kpi.work(): delivers until nothing more is due. Limits of rate and circuit breakers hold.
void deliver_by_hand(Steps &steps);

}  // namespace kpi::worker
