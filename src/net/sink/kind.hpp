// The kinds of sink. A kind knows what its options, secrets and messages must look like, and how to
// deliver one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/wire/step.hpp"

namespace kpi::net {

struct Kind {
    std::string_view name;
    // The URL is itself a secret: it is kept with the secrets and shown masked.
    bool url_is_secret = false;
    bool needs_url = true;
    // What its URL may begin with; none: it has no URL.
    std::vector<std::string_view> schemes = {"http", "https"};
    // Names of the options it knows besides those of every kind, and of its secrets.
    std::vector<std::string_view> options;
    std::vector<std::string_view> secrets;
    // Also secret headers: {"headers": {"X-Api-Key": "..."}}, kept as secrets named "header
    // X-Api-Key".
    bool has_secret_headers = false;
    // When a sink is added, with its references resolved. Errors: 22023, with a hint.
    void (*check_sink)(const Sink &sink) = nullptr;
    // When a message is queued. Errors: 22023, with a hint.
    void (*check_message)(const Sink &sink, const Message &message) = nullptr;
    Step (*deliver)(const Sink &sink, const Message &message) = nullptr;
    // The URLs that a sink with its secrets resolved calls; nullptr: its own alone.
    std::vector<std::string> (*calls)(const Sink &sink) = nullptr;
    // A harmless message for kpi.test_sink.
    Message (*test_message)(const Sink &sink) = nullptr;
};

// Errors: 22023 for a kind that does not exist, with a hint that lists them.
const Kind &kind(std::string_view name);

// The message's JSON. Errors: 22023 when it is no object.
nlohmann::json parsed(const Message &message);
// An option as text, number or truth; the default when it is absent. Errors: 22023 when it has
// another type.
std::string text_option(const Sink &sink, std::string_view name, std::string_view otherwise = {});
int64_t number_option(const Sink &sink, std::string_view name, int64_t otherwise);
bool truth_option(const Sink &sink, std::string_view name, bool otherwise);
inline constexpr std::string_view kHeaderSecret = "header ";

// A secret; empty when the sink has none of this name.
std::string secret(const Sink &sink, std::string_view name);

// A namespace and a folder each: sink/webhook/webhook.cpp and so on.
namespace webhook {
extern const Kind kKind;
}
namespace file {
extern const Kind kKind;
}
namespace pushgateway {
extern const Kind kKind;
}
namespace smtp {
extern const Kind kKind;
}
namespace slack {
extern const Kind kKind;
}
namespace azure {
extern const Kind kBlobKind, kFilesKind;
}
namespace s3 {
extern const Kind kKind;
}
namespace mlflow {
extern const Kind kKind;
}
namespace sheets {
extern const Kind kKind;
}

}  // namespace kpi::net
