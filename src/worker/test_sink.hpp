// kpi.test_sink: one harmless message to a sink, now and in the caller's session, past the outbox:
// no limits of rate, no circuit breaker, no attempt on record. It waits as the courier does, so a
// cancel or a timeout of the session ends it.
#pragma once

#include <cstdint>
#include <string>

#include "core/table.hpp"
#include "net/wire/step.hpp"

namespace kpi::worker {

struct Tested {
    net::Outcome outcome;
    int64_t milliseconds = 0;
};

// Needs an open Spi. Errors: 42704 for a sink that does not exist, 42501 for one of others that is
// not shared, 55000 for one that cannot be used now (a secret that is missing).
Tested test_sink(ObjectId caller, const std::string &name);

}  // namespace kpi::worker
