#include "net/sink/s3/bucket.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/error.hpp"

namespace kpi::net::s3 {
namespace {

constexpr size_t kKeyBytes = 1024, kRegionBytes = 32, kCodeBytes = 64;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_letter_or_digit(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

// It becomes part of a host's name.
bool is_region(std::string_view text) {
    return !text.empty() && text.size() <= kRegionBytes && text.front() != '-' &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool is_bucket(std::string_view name) {
    return name.size() >= 3 && name.size() <= 63 && is_lower_or_digit(name.front()) &&
           is_lower_or_digit(name.back()) && name.find("..") == std::string_view::npos &&
           std::all_of(name.begin(), name.end(),
                       [](char c) { return is_lower_or_digit(c) || c == '-' || c == '.'; });
}

// One line, in a header.
bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// The port that is meant anyway is dropped: libcurl does not send it, so it must not be signed.
std::string given_endpoint(const Sink &sink) {
    std::string endpoint = sink.url;
    while (endpoint.ends_with('/')) endpoint.pop_back();
    if (endpoint.empty()) return endpoint;
    const bool tls = endpoint.starts_with("https://");
    if (!tls && !endpoint.starts_with("http://"))
        throw Error("22023", "the endpoint of the S3 service is not valid", {},
                    "It looks like https://s3.example.com:9000.");
    const std::string_view standard = tls ? ":443" : ":80";
    if (endpoint.ends_with(standard)) endpoint.resize(endpoint.size() - standard.size());
    const size_t at = tls ? 8 : 7;
    if (at >= endpoint.size() || endpoint.find_first_of("/?#@%\\ \r\n\t", at) != std::string::npos)
        throw Error("22023", "the endpoint of the S3 service is not valid", {},
                    "It has a host and a port, and no path: the bucket is an option.");
    return endpoint;
}

}  // namespace

S3Bucket s3_bucket(const Sink &sink) {
    S3Bucket bucket;
    bucket.name = text_option(sink, "bucket");
    if (!is_bucket(bucket.name))
        throw Error("22023", "option \"bucket\" of the sink is not the name of a bucket", {},
                    "It has 3 to 63 lower-case letters, digits, hyphens and single dots.");
    bucket.region = text_option(sink, "region", "us-east-1");
    if (!is_region(bucket.region))
        throw Error("22023", "option \"region\" of the sink is not the name of a region", {},
                    "It looks like eu-central-1.");
    bucket.endpoint = given_endpoint(sink);
    // a certificate for *.s3.<region>.amazonaws.com is not good for a name with a dot
    const bool usual = !bucket.endpoint.empty() || bucket.name.find('.') != std::string::npos;
    bucket.path_style = truth_option(sink, "path_style", usual);
    return bucket;
}

S3Place s3_place(const S3Bucket &bucket, std::string_view key) {
    std::string scheme = "https", host;
    if (bucket.endpoint.empty()) {
        host = fmt::format("s3.{}.amazonaws.com{}", bucket.region,
                           bucket.region.starts_with("cn-") ? ".cn" : "");
    } else {
        const size_t mark = bucket.endpoint.find("://");
        scheme = bucket.endpoint.substr(0, mark);
        host = bucket.endpoint.substr(mark + 3);
    }
    S3Place place;
    place.host = bucket.path_style ? host : bucket.name + "." + host;
    place.origin = scheme + "://" + place.host;
    place.path =
        bucket.path_style ? fmt::format("/{}/{}", bucket.name, key) : fmt::format("/{}", key);
    return place;
}

AwsCredentials s3_credentials(const Sink &sink) {
    AwsCredentials credentials{secret(sink, "access_key_id"), secret(sink, "secret_access_key"),
                               secret(sink, "session_token")};
    if (credentials.access_key_id.empty() || credentials.secret_access_key.empty())
        throw Error("22023", "the sink has no key of the S3 service", {},
                    "Give it the secrets access_key_id and secret_access_key.");
    if (!is_printable(credentials.access_key_id) || !is_printable(credentials.session_token))
        throw Error("22023", "the access key or session token of the sink is not valid", {},
                    "They have no blanks and no line ends.");
    return credentials;
}

std::string s3_key(const Sink &sink, const std::string &name) {
    if (name.empty())
        throw Error("22023", "a message to S3 needs an object_key, or a \"key\" in its JSON", {},
                    "It is the name under which the content is stored.");
    std::string key = prefixed(sink, "prefix", name);
    bool valid = key.size() <= kKeyBytes && !name.starts_with('/');
    for (size_t at = 0; valid && at <= key.size();) {
        const size_t end = std::min(key.find('/', at), key.size());
        const std::string_view part = std::string_view(key).substr(at, end - at);
        // a URL with these would be normalised on its way
        valid = part != "." && part != ".." && std::all_of(part.begin(), part.end(), [](char c) {
                    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
                });
        at = end + 1;
    }
    if (!valid)
        throw Error("22023", "the object_key cannot be the name of an object in S3", {},
                    "It has at most 1024 bytes with the prefix, no control characters, does not "
                    "begin with a slash, and no part between slashes is \".\" or \"..\".");
    return key;
}

std::string xml_element(std::string_view xml, std::string_view name) {
    const std::string open = fmt::format("<{}>", name), close = fmt::format("</{}>", name);
    const size_t at = xml.find(open);
    if (at == std::string_view::npos) return {};
    const size_t from = at + open.size(), to = xml.find(close, from);
    if (to == std::string_view::npos) return {};
    return std::string(xml.substr(from, to - from));
}

std::string s3_code(const Response &answer) {
    if (answer.body.find("<Error>") == std::string::npos) return {};
    std::string code = xml_element(answer.body, "Code");
    const bool valid = code.size() <= kCodeBytes &&
                       std::all_of(code.begin(), code.end(),
                                   [](char c) { return is_letter_or_digit(c) || c == '.'; });
    return valid ? code : std::string();
}

std::string s3_other_region(const Response &answer, const S3Bucket &bucket) {
    const bool moved = answer.status == 301 || answer.status == 307 ||
                       (answer.status == 400 && s3_code(answer) == "AuthorizationHeaderMalformed");
    if (!moved) return {};
    const auto header = answer.headers.find("x-amz-bucket-region");
    std::string region =
        header != answer.headers.end() ? header->second : xml_element(answer.body, "Region");
    return is_region(region) && region != bucket.region ? region : std::string();
}

Outcome judge_s3(const Response &answer, int64_t unix_time) {
    using State = Outcome::State;
    Outcome outcome = judge(answer, unix_time);
    if (answer.fault != Fault::none) return outcome;
    const std::string code = s3_code(answer);
    // a multipart upload may fail after the status was sent
    const bool late = outcome.state == State::delivered && !code.empty();
    if (outcome.state == State::delivered && !late) return outcome;
    outcome.error = fmt::format("S3 answered {}", answer.status);
    if (!code.empty()) outcome.error += ", " + code;
    if (late) outcome.state = State::dead;
    // these pass by themselves; the digests are right, so the bytes were damaged on their way
    for (const char *again :
         {"RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable", "OperationAborted",
          "BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody"})
        if (code == again) outcome.state = State::retry;
    return outcome;
}

}  // namespace kpi::net::s3
