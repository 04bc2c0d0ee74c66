// Azure Storage accounts: connection strings, and requests signed with the account's key
// (SharedKey, versions since 2015-02-21) or carrying a shared access signature (SAS).
// Source: Microsoft's REST reference of Azure Storage, "Authorize with Shared Key", and "Configure
// Azure Storage connection strings".
// Errors: 22023 for a connection string or key that cannot be read; no text of an error holds any
// part of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/wire/http.hpp"

namespace kpi::net {

enum class AzureService { blob, file };

struct AzureAccount {
    std::string name;
    std::string key;       // decoded; empty: sas
    std::string sas;       // without the leading "?"
    std::string endpoint;  // of the service, without a slash at its end
};

// AccountName, AccountKey, SharedAccessSignature, BlobEndpoint, FileEndpoint, EndpointSuffix,
// DefaultEndpointsProtocol, UseDevelopmentStorage, DevelopmentStorageProxyUri; names in any case,
// values up to the next semicolon.
AzureAccount azure_account(std::string_view connection_string, AzureService service);
// Where an account's service is when nothing else is said.
std::string azure_endpoint(std::string_view account, AzureService service,
                           std::string_view protocol = "https",
                           std::string_view suffix = "core.windows.net");

// Adds x-ms-date, x-ms-version and either Authorization or the SAS. Everything else of the request,
// Content-Type included, must be in place: it is what is signed.
void sign_azure(Request &request, const AzureAccount &account, int64_t unix_time);
// What SharedKey signs, for a request that has its x-ms-date.
std::string azure_string_to_sign(const Request &request, std::string_view account);
// A link that reads one blob for so many seconds, and does nothing else (a service SAS; over https
// alone where the endpoint is). The account must have its key. Source: Microsoft's REST reference,
// "Create a service SAS".
std::string azure_link(const AzureAccount &account, const std::string &container,
                       const std::string &blob, int64_t unix_time, int64_t seconds);
// Every byte but unreserved characters and slashes as %XX.
std::string azure_path(std::string_view path);
// Likewise, slashes too: a value in a query.
std::string azure_query(std::string_view value);

}  // namespace kpi::net
