#include "net/sink/azure/account.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "net/text/text.hpp"

namespace kpi::net::azure {
namespace {

constexpr size_t kObjectBytes = 1024;  // of a blob's name and of a path in a share

bool is_account_name(std::string_view name) {
    return name.size() >= 3 && name.size() <= 24 &&
           std::all_of(name.begin(), name.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

std::string given_endpoint(const Sink &sink) {
    std::string endpoint = text_option(sink, "endpoint", sink.url);
    while (endpoint.ends_with('/')) endpoint.pop_back();
    if (!endpoint.empty() &&
        ((!endpoint.starts_with("https://") && !endpoint.starts_with("http://")) ||
         endpoint.find_first_of("?#@ \r\n") != std::string::npos))
        throw Error("22023", "the endpoint of the storage account is not valid", {},
                    "It looks like https://account.blob.core.windows.net; a SAS belongs in the "
                    "sink's secret.");
    return endpoint;
}

std::string without_mark(std::string sas) {
    if (sas.starts_with('?')) sas.erase(0, 1);
    return sas;
}

}  // namespace

AzureAccount sink_account(const Sink &sink, AzureService service) {
    AzureAccount account;
    const std::string text = secret(sink, "connection_string");
    if (!text.empty()) {
        account = azure_account(text, service);
    } else {
        account.name = text_option(sink, "account");
        account.sas = without_mark(secret(sink, "sas"));
        if (const std::string key = secret(sink, "account_key"); !key.empty()) {
            account.sas.clear();
            account.key = from_base64(key);
        }
    }
    if (const std::string endpoint = given_endpoint(sink); !endpoint.empty())
        account.endpoint = endpoint;
    if (account.key.empty() && account.sas.empty())
        throw Error("22023", "the sink has no key of the storage account", {},
                    "Give it the secret connection_string, account_key or sas.");
    if (account.name.empty() && !account.key.empty())
        throw Error("22023", "the sink does not name its storage account", {},
                    "Set option account.");
    if (account.endpoint.empty()) {
        if (account.name.empty())
            throw Error("22023", "the sink names neither a storage account nor an endpoint", {},
                        "Set option account or endpoint.");
        account.endpoint = azure_endpoint(account.name, service);
    }
    if (!account.endpoint.starts_with("http://") && !account.endpoint.starts_with("https://"))
        throw Error("22023", "the endpoint of the storage account is not valid");
    if (account.sas.find_first_of(" \r\n#") != std::string::npos)
        throw Error("22023", "the SAS of the sink is not valid", {},
                    "It looks like sv=2021-08-06&ss=b&...&sig=...");
    // a signature made from a key hides it; a SAS travels as it is
    if (!account.sas.empty() && account.endpoint.starts_with("http://") &&
        !is_loopback_url(account.endpoint))
        throw Error("22023", "a SAS is not sent without TLS", {}, "Use an https:// endpoint.");
    return account;
}

void check_azure_options(const Sink &sink) {
    (void)given_endpoint(sink);
    const std::string account = text_option(sink, "account");
    if (!account.empty() && !is_account_name(account))
        throw Error("22023", "option \"account\" is not the name of a storage account", {},
                    "It has 3 to 24 lower-case letters and digits.");
}

std::string azure_root(const Sink &sink, std::string_view option) {
    std::string name = text_option(sink, option);
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    };
    if (name == "$root" || name == "$web") return name;
    if (name.size() < 3 || name.size() > 63 || name.front() == '-' || name.back() == '-' ||
        name.find("--") != std::string::npos || !std::all_of(name.begin(), name.end(), allowed))
        throw Error("22023", fmt::format("option \"{}\" of the sink is not a valid name", option),
                    {}, "It has 3 to 63 lower-case letters, digits and single hyphens.");
    return name;
}

std::string azure_object(const Sink &sink, std::string_view prefix_option, const Message &message) {
    if (message.object_key.empty())
        throw Error("22023", "a message to Azure Storage needs an object_key", {},
                    "It is the name under which the content is stored.");
    std::string name = prefixed(sink, prefix_option, message.object_key);
    bool valid = name.size() <= kObjectBytes;
    for (size_t at = 0; valid && at <= name.size();) {
        const size_t end = std::min(name.find('/', at), name.size());
        const std::string_view part = std::string_view(name).substr(at, end - at);
        // a URL with these would be normalised on its way; a name must not end in a dot
        valid = !part.empty() && part.back() != '.' &&
                std::all_of(part.begin(), part.end(), [](char c) {
                    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '\\';
                });
        at = end + 1;
    }
    if (!valid)
        throw Error("22023", "the object_key cannot be the name of an object in Azure Storage", {},
                    "It has at most 1024 bytes with the prefix, no control characters or "
                    "backslashes, and no part between slashes is empty or ends in a dot.");
    return name;
}

std::string azure_code(const Response &answer) {
    const auto header = answer.headers.find("x-ms-error-code");
    return header == answer.headers.end() ? std::string() : excerpt(header->second, 80);
}

Outcome judge_azure(const Response &answer, int64_t unix_time) {
    Outcome outcome = judge(answer, unix_time);
    const std::string code = azure_code(answer);
    if (code.empty() || answer.fault != Fault::none || outcome.error.empty()) return outcome;
    outcome.error = fmt::format("Azure Storage answered {}, {}", answer.status, code);
    // these pass by themselves
    for (const char *again : {"ContainerBeingDeleted", "ShareBeingDeleted", "ServerBusy",
                              "OperationTimedOut", "InternalError"})
        if (code == again) outcome.state = Outcome::State::retry;
    return outcome;
}

}  // namespace kpi::net::azure
