#include "web/listener.hpp"

#include <algorithm>

#include "web/log.hpp"

namespace kpi::web {
namespace {

constexpr Milliseconds kFirstPause{100}, kLongestPause{2000}, kPoll{5000}, kTime{5000};

}  // namespace

Listener::Listener(asio::io_context &context, const Settings &settings, Hub &hub)
    : context_(context), settings_(settings), hub_(hub), timer_(context) {}

void Listener::start() {
    link_ = std::make_shared<Link>(context_, settings_);
    link_->connect([this](const Reply &reply) {
        if (closed_) return;
        if (reply.error) {
            pause_ = std::min(pause_ * 2, kLongestPause);
            hub_.lost();
            return later(pause_, &Listener::start);
        }
        listen();
    });
}

void Listener::listen() {
    link_->ask({"LISTEN kpi_update", {}, {}, false}, kTime,
               [this](const Reply &answer) { listening(answer); });
}

void Listener::listening(const Reply &reply) {
    if (closed_) return;
    if (!link_->is_open() || !watch()) return lost();
    pause_ = kFirstPause;
    // What was announced meanwhile nobody heard: everything is read anew.
    hub_.back();
    if (!reply.error) return;
    log("no announcements, everything is read every 5 s: " + reply.error->message);
    later(kPoll, &Listener::poll);
}

bool Listener::watch() {
    return link_->watch([this](const std::string &payload) { hub_.announced(payload); },
                        [this] { lost(); });
}

// A standby that was promoted announces again. It is asked what it is, as a LISTEN that it refuses
// would stand in its log every time.
void Listener::poll() {
    if (!link_->is_open()) return;  // lost() goes on
    link_->ask({"SELECT pg_is_in_recovery()", {}, {}, false}, kTime, [this](const Reply &reply) {
        if (closed_) return;
        if (!link_->is_open()) return lost();
        if (!reply.error && reply.row.at(0) == "f") return listen();
        if (!watch()) return lost();
        hub_.announced("");
        later(kPoll, &Listener::poll);
    });
}

void Listener::later(Milliseconds pause, void (Listener::*next)()) {
    timer_.expires_after(pause);
    timer_.async_wait([this, next](Problem problem) {
        if (!problem && !closed_) (this->*next)();
    });
}

void Listener::lost() {
    if (closed_) return;
    log("the connection that listens is lost");
    hub_.lost();
    later(pause_, &Listener::start);
}

void Listener::close() {
    closed_ = true;
    timer_.cancel();
    if (link_) link_->close();
}

}  // namespace kpi::web
