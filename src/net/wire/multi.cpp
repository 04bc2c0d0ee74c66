#include "net/wire/multi.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <mutex>
#include <new>
#include <utility>

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>

#include "core/error.hpp"
#include "net/wire/transfer.hpp"

namespace kpi::net {
namespace {

int64_t steady_now() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked &) = delete;
    SignalsBlocked &operator=(const SignalsBlocked &) = delete;

private:
    sigset_t before_{};
};

}  // namespace

// libcurl calls these: nothing may be thrown through it.
struct Callbacks {
    static int on_socket(CURL *handle, curl_socket_t socket, int what, void *owner,
                         void *) noexcept {
        auto &multi = *static_cast<Multi *>(owner);
        auto &sockets = multi.sockets_;
        std::erase_if(sockets, [&](const SocketEvent &s) { return s.socket == socket; });
        ++multi.version_;
        if (what == CURL_POLL_REMOVE) return 0;
        try {
            sockets.push_back({socket, (what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0});
        } catch (const std::bad_alloc &) {
            // Nobody would wait for this socket. (An error returned from here ends every transfer,
            // also later ones.)
            const auto found = multi.transfers_.find(handle);
            if (found != multi.transfers_.end()) found->second->lose();
        }
        return 0;
    }
    static int on_timer(CURLM *, long milliseconds, void *owner) noexcept {
        static_cast<Multi *>(owner)->deadline_ =
            milliseconds < 0 ? -1 : steady_now() + milliseconds;
        return 0;
    }
};

Multi::Multi(Egress egress) : egress_(std::move(egress)) {
    static std::once_flag once;
    static CURLcode global = CURLE_OK;
    const SignalsBlocked blocked;
    std::call_once(once, [] { global = curl_global_init(CURL_GLOBAL_ALL); });
    multi_ = curl_multi_init();
    if (global != CURLE_OK || multi_ == nullptr)
        throw Error("XX000", "libcurl cannot be initialised");
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, Callbacks::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, Callbacks::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 32L);
}

Multi::~Multi() {
    const SignalsBlocked blocked;
    for (auto &[handle, transfer] : transfers_) curl_multi_remove_handle(multi_, handle);
    transfers_.clear();
    curl_multi_cleanup(multi_);
}

void Multi::start(int64_t id, Request request, const Limits &limits) {
    const SignalsBlocked blocked;
    auto transfer = std::make_unique<Transfer>(id, std::move(request), limits, egress_);
    // Room for every end, so that none is lost when memory is.
    finished_.reserve(finished_.size() + transfers_.size() + 1);
    if (!transfer->prepare()) {
        finished_.emplace_back(id, transfer->take_response());
        return;
    }
    void *handle = transfer->handle();
    const auto added = transfers_.emplace(handle, std::move(transfer)).first;
    if (curl_multi_add_handle(multi_, handle) == CURLM_OK) return;
    transfers_.erase(added);
    throw std::bad_alloc();
}

Multi::Transfers::iterator Multi::end(Transfers::iterator transfer, int code) {
    curl_multi_remove_handle(multi_, transfer->first);
    transfer->second->conclude(code);
    finished_.emplace_back(transfer->second->id(), transfer->second->take_response());
    return transfers_.erase(transfer);
}

int64_t Multi::timeout() const {
    const bool lost = std::any_of(transfers_.begin(), transfers_.end(),
                                  [](const auto &t) { return t.second->lost(); });
    if (!finished_.empty() || lost) return 0;
    return deadline_ < 0 ? -1 : std::max<int64_t>(deadline_ - steady_now(), 0);
}

void Multi::act(const std::vector<SocketEvent> &events) {
    const SignalsBlocked blocked;
    int running = 0;
    for (const SocketEvent &event : events) {
        const int what =
            (event.readable ? CURL_CSELECT_IN : 0) | (event.writable ? CURL_CSELECT_OUT : 0);
        curl_multi_socket_action(multi_, event.socket, what, &running);
    }
    if (deadline_ >= 0 && steady_now() >= deadline_) {
        deadline_ = -1;
        curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    int left = 0;
    while (const CURLMsg *message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const CURLcode code = message->data.result;
        const auto found = transfers_.find(message->easy_handle);
        if (found != transfers_.end()) end(found, code);
    }
    for (auto next = transfers_.begin(); next != transfers_.end();)
        next = next->second->lost() ? end(next, CURLE_OUT_OF_MEMORY) : std::next(next);
}

std::vector<std::pair<int64_t, Response>> Multi::finished() {
    std::vector<std::pair<int64_t, Response>> room;
    room.reserve(transfers_.size());
    return std::exchange(finished_, std::move(room));
}

}  // namespace kpi::net
