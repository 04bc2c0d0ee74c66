// What the sinks of Azure Storage share: the account of a sink, names of objects, judgements.
// Options: account, endpoint (or the sink's URL); secrets: connection_string, or account_key, or
// sas. Errors: 22023 with a hint.
#pragma once

#include <string>
#include <string_view>

#include "net/sign/sign_azure.hpp"
#include "net/sign/signing_clock.hpp"
#include "net/sink/object.hpp"

namespace kpi::net::azure {

// With its secrets resolved.
AzureAccount sink_account(const Sink &sink, AzureService service);
// Without them: what the options alone can tell.
void check_azure_options(const Sink &sink);
// A container's or share's name: the option `option`.
std::string azure_root(const Sink &sink, std::string_view option);
// The option `prefix_option`, a slash, and the message's object_key; no part empty, "." or "..".
std::string azure_object(const Sink &sink, std::string_view prefix_option, const Message &message);
// x-ms-error-code of the answer; empty: none.
std::string azure_code(const Response &answer);
// judge(), with the service's own code in place of its answer: that quotes what was signed.
Outcome judge_azure(const Response &answer, int64_t unix_time);

}  // namespace kpi::net::azure
