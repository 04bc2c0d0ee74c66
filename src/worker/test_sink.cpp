#include "worker/test_sink.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "delivery/registration.hpp"
#include "delivery/sinks.hpp"
#include "net/sink/kind.hpp"
#include "net/wire/multi.hpp"
#include "pg/lock.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"
#include "pg/waiter.hpp"
#include "worker/conversation.hpp"

namespace kpi::worker {
namespace {

delivery::Spec sink_named(const std::string &name) {
    for (delivery::Spec &spec : delivery::every_sink())
        if (spec.sink.name == name) return std::move(spec);
    throw Error("40001", fmt::format("sink \"{}\" is being dropped", name));
}

net::Response perform(net::Multi &multi, net::Request request, const net::Limits &limits) {
    pg::Waiter waiter;
    multi.start(0, std::move(request), limits);
    for (;;) {
        auto finished = multi.finished();
        if (!finished.empty()) return std::move(finished.front().second);
        waiter.watch(multi.sockets());
        const int64_t pause = multi.timeout();
        waiter.wait(pause < 0 ? 1000 : std::min<int64_t>(pause, 1000));
        multi.act(waiter.happened());
    }
}

}  // namespace

Tested test_sink(ObjectId caller, const std::string &name) {
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    delivery::check_use(caller, name, delivery::Use::send);
    const delivery::Spec spec = sink_named(name);
    if (!spec.unusable.empty())
        throw Error("55000", fmt::format("sink \"{}\" cannot be used: {}", name, spec.unusable));
    const net::Kind &kind = net::kind(spec.sink.kind);
    net::Message message = kind.test_message(spec.sink);
    message.idempotency_key = *pg::value("SELECT pg_catalog.gen_random_uuid()::pg_catalog.text");
    message.unix_time = unix_now();

    const char *hosts = pg::settings().allowed_hosts;
    net::Multi multi{net::Egress(hosts == nullptr ? "" : hosts)};
    const std::vector<std::string> secrets = secrets_of(spec.sink);
    const int64_t started_at = pg::ticks();
    net::Step step = guarded([&] { return kind.deliver(spec.sink, message); });
    while (auto *next = std::get_if<std::unique_ptr<net::Exchange>>(&step)) {
        const net::Response answer = perform(multi, std::move((*next)->request), spec.limits);
        const auto then = std::move((*next)->then);
        step = guarded([&] { return then(answer); });
    }
    Tested tested{std::get<net::Outcome>(std::move(step)), (pg::ticks() - started_at) / 1000};
    redact(tested.outcome.error, secrets);
    return tested;
}

}  // namespace kpi::worker
