// The caller's side of the outbox: queue a message, take it back, send it again, forget old ones.
// Needs an open Spi; writes as the extension's owner, in the caller's transaction.
// Errors: 42704 for a sink, message or report that does not exist, 22023 for a message that the
// kind of sink cannot deliver, 55000 for a message in the wrong state, 42501 for sinks and messages
// of others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/table.hpp"

namespace kpi::delivery {

struct Draft {
    std::string sink;
    std::string message = "{}";  // JSON text
    std::optional<std::string> content;
    std::optional<std::string> content_type, object_key, dedupe_key, group_key;
    std::optional<Timestamp> not_before;
    std::optional<int64_t> report;  // of kpi.report, in place of content, type and key
};
// The message's id; the earlier message's when the sink has seen the dedupe key.
int64_t notify(ObjectId caller, const Draft &draft);
void redeliver(ObjectId caller, int64_t id);
void cancel(ObjectId caller, int64_t id);
// Those of the caller's sinks; `older_than`: an interval as text, not negative (22023). Returns the
// number of messages.
int64_t purge(ObjectId caller, const std::string &older_than);

}  // namespace kpi::delivery
