#include "net/sign/sign_v4.hpp"

#include <algorithm>
#include <ctime>
#include <map>

#include <fmt/format.h>

#include "core/digest.hpp"
#include "net/text/text.hpp"

namespace kpi::net {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string timestamp(int64_t unix_time) {
    auto seconds = static_cast<time_t>(unix_time);
    tm utc{};
    gmtime_r(&seconds, &utc);
    return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                       utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

// Blanks around are dropped, runs of them become one.
std::string squeezed(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
    }
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

std::map<std::string, std::string> signed_headers(const AwsRequest &request) {
    std::map<std::string, std::string> headers{{"host", request.host}};
    for (const auto &[name, value] : request.headers) headers[lower(name)] = squeezed(value);
    return headers;
}

std::string names(const std::map<std::string, std::string> &headers) {
    std::string out;
    for (const auto &[name, value] : headers) out += (out.empty() ? "" : ";") + name;
    return out;
}

std::string scope_text(const AwsScope &scope, const std::string &time) {
    return fmt::format("{}/{}/{}/aws4_request", time.substr(0, 8), scope.region, scope.service);
}

std::string signature(const AwsRequest &request, const std::string &secret, const AwsScope &scope,
                      const std::string &time) {
    auto headers = signed_headers(request);
    std::string lines;
    for (const auto &[name, value] : headers) lines += fmt::format("{}:{}\n", name, value);
    std::string canonical =
        fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, aws_encode_path(request.path),
                    aws_query(request.query), lines, names(headers), request.payload_hash);
    std::string text = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, time, scope_text(scope, time),
                                   hex(sha256(canonical)));
    std::string key = hmac_sha256("AWS4" + secret, time.substr(0, 8));
    for (std::string_view part : {std::string_view(scope.region), std::string_view(scope.service),
                                  std::string_view("aws4_request")}) {
        key = hmac_sha256(key, part);
    }
    return hex(hmac_sha256(key, text));
}

}  // namespace

std::string aws_encode(std::string_view text) { return percent_encoded(text); }

std::string aws_encode_path(std::string_view path) { return percent_encoded(path, "-._~/"); }

std::string aws_query(const std::vector<std::pair<std::string, std::string>> &query) {
    std::vector<std::pair<std::string, std::string>> encoded;
    encoded.reserve(query.size());
    for (const auto &[name, value] : query) {
        encoded.emplace_back(aws_encode(name), aws_encode(value));
    }
    std::sort(encoded.begin(), encoded.end());
    std::string out;
    for (const auto &[name, value] : encoded) {
        if (!out.empty()) out += "&";
        out += name;
        out += "=";
        out += value;
    }
    return out;
}

Headers sign_headers(const AwsRequest &request, const AwsCredentials &credentials,
                     const AwsScope &scope, int64_t unix_time) {
    std::string time = timestamp(unix_time);
    AwsRequest full = request;
    full.headers.emplace_back("X-Amz-Date", time);
    if (!credentials.session_token.empty()) {
        full.headers.emplace_back("X-Amz-Security-Token", credentials.session_token);
    }
    full.headers.emplace_back(
        "Authorization",
        fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                    credentials.access_key_id, scope_text(scope, time), names(signed_headers(full)),
                    signature(full, credentials.secret_access_key, scope, time)));
    return full.headers;
}

std::string presigned_query(AwsRequest request, const AwsCredentials &credentials,
                            const AwsScope &scope, int64_t unix_time, int64_t lifetime) {
    std::string time = timestamp(unix_time);
    auto &query = request.query;
    query.emplace_back("X-Amz-Algorithm", kAlgorithm);
    query.emplace_back("X-Amz-Credential",
                       credentials.access_key_id + "/" + scope_text(scope, time));
    query.emplace_back("X-Amz-Date", time);
    query.emplace_back("X-Amz-Expires", std::to_string(lifetime));
    query.emplace_back("X-Amz-SignedHeaders", names(signed_headers(request)));
    if (!credentials.session_token.empty()) {
        query.emplace_back("X-Amz-Security-Token", credentials.session_token);
    }
    request.payload_hash = "UNSIGNED-PAYLOAD";
    std::string mark = signature(request, credentials.secret_access_key, scope, time);
    return aws_query(query) + "&X-Amz-Signature=" + mark;
}

}  // namespace kpi::net
