// AWS Signature Version 4, in headers and in the query of a presigned URL. Pure functions of their
// arguments. Times in unix seconds, lifetimes in seconds.
// Source: AWS documentation "Authenticating Requests (AWS Signature Version 4)".
// Errors: none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/wire/http.hpp"

namespace kpi::net {

struct AwsCredentials {
    std::string access_key_id, secret_access_key;
    std::string session_token;  // empty: none
};

struct AwsScope {
    std::string region, service;
};

// What is signed. Nothing here is percent-encoded yet.
struct AwsRequest {
    std::string method, host, path;  // host with its port unless that is the default
    std::vector<std::pair<std::string, std::string>> query;
    Headers headers;           // signed all of them; without Host
    std::string payload_hash;  // hex SHA-256 of the body, or UNSIGNED-PAYLOAD
};

// RFC 3986: all but letters, digits and -._~ is encoded; in paths / is kept.
std::string aws_encode(std::string_view text);
std::string aws_encode_path(std::string_view path);
// "a=1&b=2", encoded and sorted.
std::string aws_query(const std::vector<std::pair<std::string, std::string>> &query);

// The request's headers with X-Amz-Date, X-Amz-Security-Token and Authorization.
Headers sign_headers(const AwsRequest &request, const AwsCredentials &credentials,
                     const AwsScope &scope, int64_t unix_time);
// The query of a link that is good for `lifetime` seconds.
std::string presigned_query(AwsRequest request, const AwsCredentials &credentials,
                            const AwsScope &scope, int64_t unix_time, int64_t lifetime);

}  // namespace kpi::net
