#include "net/sign/sign_azure.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "core/dates.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/trimmed.hpp"
#include "net/text/text.hpp"

namespace kpi::net {
namespace {

// The oldest that has all we use; emulators and sovereign clouds know it.
constexpr std::string_view kVersion = "2021-08-06";
// The emulator's account, published by Microsoft: not a secret.
constexpr std::string_view kEmulatorName = "devstoreaccount1";
constexpr std::string_view kEmulatorKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

std::string decoded(std::string_view text) {
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        const char letter = char(c | 0x20);
        return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
    };
    std::string result;
    for (size_t i = 0; i < text.size(); ++i) {
        const int high = i + 2 < text.size() && text[i] == '%' ? digit(text[i + 1]) : -1;
        const int low = high < 0 ? -1 : digit(text[i + 2]);
        result += low < 0 ? text[i] : char(high * 16 + low);
        if (low >= 0) i += 2;
    }
    return result;
}

struct Url {
    std::string_view path, query;
};
Url parts(std::string_view url) {
    const size_t host = url.find("://");
    const size_t start = url.find_first_of("/?", host == std::string_view::npos ? 0 : host + 3);
    if (start == std::string_view::npos) return {"/", {}};
    url.remove_prefix(start);
    const size_t mark = url.find('?');
    const std::string_view path = url.substr(0, mark);
    return {path.empty() ? "/" : path,
            mark == std::string_view::npos ? std::string_view() : url.substr(mark + 1)};
}

// "/account" and the path as it is sent, then a line for each name of the query, its values sorted
// and joined by commas.
std::string canonical_resource(std::string_view url, std::string_view account) {
    const Url place = parts(url);
    std::map<std::string, std::vector<std::string>> names;
    for (std::string_view rest = place.query; !rest.empty();) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        const size_t equals = pair.find('=');
        names[lower(decoded(pair.substr(0, equals)))].push_back(
            equals == std::string_view::npos ? std::string() : decoded(pair.substr(equals + 1)));
    }
    std::string resource = fmt::format("/{}{}", account, place.path);
    for (auto &[name, values] : names) {
        std::sort(values.begin(), values.end());
        resource += fmt::format("\n{}:", name);
        for (size_t i = 0; i < values.size(); ++i) resource += (i > 0 ? "," : "") + values[i];
    }
    return resource;
}

std::map<std::string, std::string> fields(std::string_view text) {
    std::map<std::string, std::string> result;
    while (!text.empty()) {
        const std::string_view raw = text.substr(0, text.find(';'));
        text.remove_prefix(std::min(text.size(), raw.size() + 1));
        const std::string_view field = trimmed(raw);
        if (field.empty()) continue;
        const size_t equals = field.find('=');  // the first: keys end in equals signs themselves
        if (equals == std::string_view::npos || equals == 0)
            throw Error("22023", "the connection string is not valid", {},
                        "It looks like AccountName=...;AccountKey=...;EndpointSuffix=...");
        result[lower(trimmed(field.substr(0, equals)))] = trimmed(field.substr(equals + 1));
    }
    return result;
}

std::string without_slash(std::string text) {
    while (!text.empty() && text.back() == '/') text.pop_back();
    return text;
}

AzureAccount emulator(std::string proxy, AzureService service) {
    if (service == AzureService::file)
        throw Error("22023", "the storage emulator has no file service");
    if (proxy.empty()) proxy = "http://127.0.0.1";
    return {std::string(kEmulatorName), from_base64(kEmulatorKey), "",
            fmt::format("{}:10000/{}", without_slash(std::move(proxy)), kEmulatorName)};
}

}  // namespace

std::string azure_endpoint(std::string_view account, AzureService service,
                           std::string_view protocol, std::string_view suffix) {
    return fmt::format("{}://{}.{}.{}", protocol, account,
                       service == AzureService::blob ? "blob" : "file", suffix);
}

AzureAccount azure_account(std::string_view connection_string, AzureService service) {
    auto given = fields(connection_string);
    if (lower(given["usedevelopmentstorage"]) == "true")
        return emulator(given["developmentstorageproxyuri"], service);
    AzureAccount account;
    account.name = given["accountname"];
    account.sas = given["sharedaccesssignature"];
    if (account.sas.starts_with('?')) account.sas.erase(0, 1);
    if (account.sas.empty()) {
        if (account.name.empty() || given["accountkey"].empty())
            throw Error("22023", "the connection string names no account with its key, and no SAS",
                        {}, "It needs AccountName and AccountKey, or SharedAccessSignature.");
        account.key = from_base64(given["accountkey"]);
    }
    account.endpoint =
        without_slash(given[service == AzureService::blob ? "blobendpoint" : "fileendpoint"]);
    if (!account.endpoint.empty()) return account;
    if (account.name.empty())
        throw Error("22023", "the connection string names neither an account nor an endpoint");
    const std::string protocol = lower(given["defaultendpointsprotocol"]);
    const std::string suffix = given["endpointsuffix"];
    account.endpoint = azure_endpoint(account.name, service, protocol.empty() ? "https" : protocol,
                                      suffix.empty() ? "core.windows.net" : suffix);
    return account;
}

std::string azure_string_to_sign(const Request &request, std::string_view account) {
    std::map<std::string, std::string> headers;
    for (const auto &[name, value] : request.headers) headers[lower(name)] = trimmed(value);
    // Content-Length of nothing is empty; Date is, because x-ms-date is sent.
    const std::string length = request.body.empty() ? "" : std::to_string(request.body.size());
    std::string text = request.method + "\n" + headers["content-encoding"] + "\n" +
                       headers["content-language"] + "\n" + length + "\n" + headers["content-md5"] +
                       "\n" + headers["content-type"] + "\n\n";
    for (const char *name :
         {"if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"})
        text += headers[name] + "\n";
    for (const auto &[name, value] : headers)
        if (name.starts_with("x-ms-")) text += fmt::format("{}:{}\n", name, value);
    return text + canonical_resource(request.url, account);
}

void sign_azure(Request &request, const AzureAccount &account, int64_t unix_time) {
    request.headers.emplace_back("x-ms-date", date_text(unix_time) + " GMT");
    request.headers.emplace_back("x-ms-version", kVersion);
    if (account.key.empty()) {
        request.url += (parts(request.url).query.empty() ? "?" : "&") + account.sas;
        return;
    }
    const std::string signature =
        to_base64(hmac_sha256(account.key, azure_string_to_sign(request, account.name)));
    request.headers.emplace_back("Authorization",
                                 fmt::format("SharedKey {}:{}", account.name, signature));
}

std::string azure_link(const AzureAccount &account, const std::string &container,
                       const std::string &blob, int64_t unix_time, int64_t seconds) {
    constexpr int64_t kDay = 86400, kEpoch = 10957;  // 2000-01-01, in days of Unix
    const int64_t end = unix_time + seconds, time = end % kDay;
    const std::string expiry =
        fmt::format("{}T{:02}:{:02}:{:02}Z", iso(Date{int32_t(end / kDay - kEpoch)}), time / 3600,
                    time / 60 % 60, time % 60);
    const std::string protocol = account.endpoint.starts_with("https://") ? "https" : "";
    const std::string signature = to_base64(hmac_sha256(
        account.key, fmt::format("r\n\n{}\n/blob/{}/{}/{}\n\n\n{}\n{}\nb\n\n\n\n\n\n\n", expiry,
                                 account.name, container, blob, protocol, kVersion)));
    return fmt::format("{}{}?sv={}{}&se={}&sr=b&sp=r&sig={}", account.endpoint,
                       azure_path("/" + container + "/" + blob), kVersion,
                       protocol.empty() ? "" : "&spr=" + protocol, azure_query(expiry),
                       azure_query(signature));
}

std::string azure_path(std::string_view path) { return percent_encoded(path, "-._~/"); }

std::string azure_query(std::string_view value) { return percent_encoded(value); }

}  // namespace kpi::net
