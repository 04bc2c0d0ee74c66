// Delivers one message without a database: what test/wire drives against real servers.
//   stdin:  {"sink": {"name", "kind", "url", "options", "secret", "file_directory"},
//            "message": {"body": {...}, "content_base64", "content_type", "object_key",
//                        "idempotency_key", "reference"},
//                        without "message": that of kpi.test_sink
//            "allowed_hosts": "127.0.0.1", "limits": {"total_timeout", "response_bytes", "cacert"}}
//   stdout: {"state", "status", "error", "result", "retry_after", "receiver_down", "exchanges"}
#include <chrono>
#include <ctime>
#include <iostream>
#include <iterator>

#include <poll.h>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "net/sink/kind.hpp"
#include "net/wire/multi.hpp"

using namespace kpi;
using nlohmann::json;

namespace {

int exchanges = 0;

net::Response perform(net::Multi &multi, net::Request request, const net::Limits &limits) {
    ++exchanges;
    multi.start(1, std::move(request), limits);
    for (;;) {
        auto finished = multi.finished();
        if (!finished.empty()) return std::move(finished.front().second);
        std::vector<pollfd> polled;
        for (const SocketEvent &s : multi.sockets())
            polled.push_back(
                {s.socket, short((s.readable ? POLLIN : 0) | (s.writable ? POLLOUT : 0)), 0});
        const int64_t wait = multi.timeout();
        poll(polled.data(), polled.size(), int(wait < 0 ? 1000 : std::min<int64_t>(wait, 1000)));
        std::vector<SocketEvent> events;
        for (const pollfd &p : polled)
            if (p.revents != 0)
                events.push_back({p.fd, (p.revents & (POLLIN | POLLHUP | POLLERR)) != 0,
                                  (p.revents & (POLLOUT | POLLERR)) != 0});
        multi.act(events);
    }
}

net::Outcome deliver(const json &task) {
    const json &given_sink = task.at("sink");
    const json test = task.value("message", json());
    const json given = test.is_null() ? json::object() : test;
    net::Sink sink;
    sink.name = given_sink.value("name", "test");
    sink.kind = given_sink.at("kind");
    sink.url = given_sink.value("url", "");
    sink.options = given_sink.value("options", json::object());
    sink.secret = given_sink.value("secret", json::object());
    sink.file_directory = given_sink.value("file_directory", "");
    net::Message message;
    if (test.is_null()) message = net::kind(sink.kind).test_message(sink);
    message.id = given.value("id", 1);
    message.idempotency_key =
        given.value("idempotency_key", "0c7f3a52-0000-4000-8000-000000000001");
    if (given.contains("body")) message.body = given["body"].dump();
    if (given.contains("content_base64"))
        message.content = from_base64(given["content_base64"].get<std::string>());
    message.content_type = given.value("content_type", message.content_type);
    message.object_key = given.value("object_key", message.object_key);
    message.reference = given.value("reference", json());
    message.unix_time = given.value("unix_time", int64_t(time(nullptr)));
    net::Limits limits;
    const json limit = task.value("limits", json::object());
    limits.total_timeout = limit.value("total_timeout", limits.total_timeout);
    limits.response_bytes = limit.value("response_bytes", limits.response_bytes);
    limits.cacert = limit.value("cacert", "");

    const net::Kind &kind = net::kind(sink.kind);
    if (kind.check_sink != nullptr) kind.check_sink(sink);
    if (kind.check_message != nullptr) kind.check_message(sink, message);
    net::Multi multi{net::Egress(task.value("allowed_hosts", ""))};
    net::Step step = kind.deliver(sink, message);
    while (auto *next = std::get_if<std::unique_ptr<net::Exchange>>(&step)) {
        const net::Response answer = perform(multi, std::move((*next)->request), limits);
        step = (*next)->then(answer);
    }
    return std::get<net::Outcome>(step);
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): a task that makes no sense ends the program
int main() {
    const std::string input{std::istreambuf_iterator<char>(std::cin), {}};
    json report;
    try {
        const net::Outcome outcome = deliver(json::parse(input));
        constexpr const char *kStates[] = {"delivered", "retry", "dead"};
        report = {{"state", kStates[int(outcome.state)]},
                  {"status", outcome.status},
                  {"error", outcome.error},
                  {"result", outcome.result},
                  {"receiver_down", outcome.receiver_down}};
        if (outcome.retry_after) report["retry_after"] = *outcome.retry_after;
    } catch (const Error &error) {
        report = {{"state", "dead"},
                  {"error", error.message},
                  {"hint", error.hint},
                  {"sqlstate", error.sqlstate}};
    }
    report["exchanges"] = exchanges;
    std::cout << report.dump() << '\n';
}
