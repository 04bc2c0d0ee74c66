// s3: objects in a bucket of Amazon S3, or of a server that speaks its language.
//
// The content becomes the object <prefix>/<object_key>: the same name and the same bytes in every
// attempt. Without content the message's JSON is stored, or, when it has no object_key either, its
// "text" under its "key". The URL is the endpoint; none: AWS. Options: bucket, prefix, region,
// path_style, multipart_above and part_size (bytes), presign (seconds that a link to the object in
// the result is good for; 0: no link). Secrets: access_key_id, secret_access_key, session_token.
// An upload in parts that fails is aborted, so that its parts are not kept; when the connection is
// lost it is not: a lifecycle rule of the bucket (AbortIncompleteMultipartUpload) clears those.
// Source: Amazon S3 API reference, PutObject and multipart uploads.
#include <algorithm>

#include <fmt/format.h>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/markup.hpp"
#include "net/sign/signing_clock.hpp"
#include "net/sink/s3/bucket.hpp"
#include "net/text/text.hpp"

namespace kpi::net::s3 {
namespace {

constexpr int64_t kMultipartAbove = 16 << 20, kPart = 8 << 20;
constexpr int64_t kSmallestPart = 5 << 20, kLargestPart = 1 << 30;
constexpr int64_t kLongestLink = 7 * 86400;

using Query = std::vector<std::pair<std::string, std::string>>;

struct Upload {
    S3Bucket bucket;
    AwsCredentials credentials;
    std::string key, type, content, idempotency_key;
    size_t multipart_above = 0, part_size = 0;
    int64_t presign = 0;
    SigningClock clock{0};
    bool moved = false;    // the region was corrected
    std::string id;        // of the multipart upload; empty: none is open
    std::string manifest;  // XML of the parts so far
};
using Shared = std::shared_ptr<Upload>;

struct Object {
    std::string name, type, content;
};

Step start(const Shared &upload);

AwsScope scope(const Upload &upload) { return {upload.bucket.region, "s3"}; }

Request signed_request(const Upload &upload, std::string method, const Query &query,
                       Headers headers, std::string body) {
    const S3Place place = s3_place(upload.bucket, upload.key);
    const std::string hash = hex(sha256(body));
    headers.emplace_back("x-amz-content-sha256", hash);
    const AwsRequest wanted{method, place.host, place.path, query, std::move(headers), hash};
    Request request;
    request.method = std::move(method);
    request.url = place.origin + aws_encode_path(place.path);
    if (!query.empty()) request.url += "?" + aws_query(query);
    request.headers = sign_headers(wanted, upload.credentials, scope(upload), upload.clock.now());
    request.body = std::move(body);
    return request;
}

std::string checksum(const std::string &body) { return to_base64(sha256(body)); }

Headers object_headers(const Upload &upload) {
    Headers headers = {{"Content-Type", upload.type}};
    if (!upload.idempotency_key.empty())
        headers.emplace_back("x-amz-meta-idempotency-key", upload.idempotency_key);
    return headers;
}

std::string etag(const Response &answer) {
    const auto header = answer.headers.find("etag");
    if (header != answer.headers.end()) return header->second;
    std::string tag = xml_element(answer.body, "ETag");
    constexpr std::string_view kQuote = "&quot;";
    for (size_t at = tag.find(kQuote); at != std::string::npos; at = tag.find(kQuote, at))
        tag.replace(at, kQuote.size(), "\"");
    return tag;
}

Outcome done(const Upload &upload, const Response &answer) {
    Outcome outcome;
    outcome.status = answer.status;
    outcome.result = {{"bucket", upload.bucket.name}, {"key", upload.key}};
    if (const std::string tag = etag(answer); !tag.empty()) outcome.result["etag"] = tag;
    if (upload.presign == 0) return outcome;
    const S3Place place = s3_place(upload.bucket, upload.key);
    outcome.result["url"] =
        fmt::format("{}{}?{}", place.origin, aws_encode_path(place.path),
                    presigned_query({"GET", place.host, place.path, {}, {}, {}}, upload.credentials,
                                    scope(upload), upload.clock.now(), upload.presign));
    return outcome;
}

// What the failure was stays the outcome, whatever becomes of the abort.
Step give_up(const Shared &upload, const Response &answer, Outcome outcome) {
    if (upload->id.empty() || answer.fault != Fault::none) return outcome;
    Request request = signed_request(*upload, "DELETE", {{"uploadId", upload->id}}, {}, {});
    return exchange(std::move(request), [outcome](const Response &) -> Step { return outcome; });
}

// `then` gets good answers only. The first request finds out where the bucket is.
Step ask(const Shared &upload, Request request, std::function<Step(const Response &)> then) {
    return exchange(std::move(request),
                    [upload, then = std::move(then)](const Response &answer) -> Step {
                        const std::string region = s3_other_region(answer, upload->bucket);
                        if (!region.empty() && !upload->moved && upload->id.empty()) {
                            upload->moved = true;
                            upload->bucket.region = region;
                            return start(upload);
                        }
                        Outcome outcome = judge_s3(answer, upload->clock.now());
                        if (outcome.state == Outcome::State::delivered) return then(answer);
                        return give_up(upload, answer, std::move(outcome));
                    });
}

Outcome unusable(const Response &answer, std::string_view what) {
    Outcome outcome;
    outcome.state = Outcome::State::dead;
    outcome.status = answer.status;
    outcome.error = fmt::format("S3 answered {} without {}", answer.status, what);
    return outcome;
}

Step complete(const Shared &upload) {
    std::string list =
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" +
        upload->manifest + "</CompleteMultipartUpload>";
    Request request = signed_request(*upload, "POST", {{"uploadId", upload->id}},
                                     {{"Content-Type", "application/xml"}}, std::move(list));
    return ask(upload, std::move(request),
               [upload](const Response &answer) -> Step { return done(*upload, answer); });
}

// A server holds a part's bytes against the signed x-amz-content-sha256, and against Content-MD5,
// without which a bucket with Object Lock takes no parts. x-amz-checksum-sha256 is no way: AWS
// wants it announced when the upload starts and again in the list that completes it, which Swift
// refuses.
Step put_part(const Shared &upload, size_t number) {
    const size_t at = (number - 1) * upload->part_size;
    if (at >= upload->content.size()) return complete(upload);
    std::string part = upload->content.substr(at, upload->part_size);
    Headers headers = {{"Content-Type", "application/octet-stream"}};
    if (const std::string digest = md5(part); !digest.empty())
        headers.emplace_back("Content-MD5", to_base64(digest));
    Request request = signed_request(
        *upload, "PUT", {{"partNumber", std::to_string(number)}, {"uploadId", upload->id}},
        std::move(headers), std::move(part));
    return ask(upload, std::move(request), [upload, number](const Response &answer) -> Step {
        const std::string tag = etag(answer);
        if (tag.empty()) return give_up(upload, answer, unusable(answer, "the ETag of a part"));
        upload->manifest += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>",
                                        number, markup_escaped(tag));
        return put_part(upload, number + 1);
    });
}

Step initiate(const Shared &upload) {
    Request request =
        signed_request(*upload, "POST", {{"uploads", ""}}, object_headers(*upload), {});
    return ask(upload, std::move(request), [upload](const Response &answer) -> Step {
        upload->id = xml_element(answer.body, "UploadId");
        if (upload->id.empty()) return unusable(answer, "an UploadId");
        return put_part(upload, 1);
    });
}

Step start(const Shared &upload) {
    if (upload->content.size() > upload->multipart_above) return initiate(upload);
    Headers headers = object_headers(*upload);
    headers.emplace_back("x-amz-checksum-sha256", checksum(upload->content));
    Request request = signed_request(*upload, "PUT", {}, std::move(headers), upload->content);
    return ask(upload, std::move(request),
               [upload](const Response &answer) -> Step { return done(*upload, answer); });
}

int64_t between(const Sink &sink, std::string_view option, int64_t otherwise, int64_t least,
                int64_t most) {
    const int64_t number = number_option(sink, option, otherwise);
    if (number < least || number > most)
        throw Error("22023", fmt::format("option \"{}\" must be {} to {}", option, least, most));
    return number;
}

Upload prepared(const Sink &sink) {
    Upload upload;
    upload.bucket = s3_bucket(sink);
    upload.multipart_above =
        size_t(between(sink, "multipart_above", kMultipartAbove, 0, kLargestPart));
    upload.part_size = size_t(between(sink, "part_size", kPart, kSmallestPart, kLargestPart));
    upload.presign = between(sink, "presign", 0, 0, kLongestLink);
    return upload;
}

Object object_of(const Message &message) {
    if (message.content || !message.object_key.empty())
        return {message.object_key, stored_type(message), stored(message)};
    const nlohmann::json json = parsed(message);
    const auto text_of = [&json](const char *name) {
        const auto found = json.find(name);
        return found != json.end() && found->is_string() ? std::optional(found->get<std::string>())
                                                         : std::nullopt;
    };
    const auto key = text_of("key"), text = text_of("text");
    if (!key || !text)
        throw Error("22023", "a message to S3 needs an object_key, or a \"key\" and a \"text\"", {},
                    "The key is the name under which the text is stored.");
    return {*key, "text/plain; charset=utf-8", *text};
}

void check_sink(const Sink &sink) {
    (void)prepared(sink);
    (void)text_option(sink, "prefix");
}

void check_message(const Sink &sink, const Message &message) {
    (void)s3_key(sink, object_of(message).name);
}

// Metadata is printable ASCII.
std::string metadata(const std::string &text) {
    const bool plain =
        std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
    return plain ? text : aws_encode(text);
}

Step deliver(const Sink &sink, const Message &message) {
    const auto upload = std::make_shared<Upload>(prepared(sink));
    Object object = object_of(message);
    upload->credentials = s3_credentials(sink);
    upload->key = s3_key(sink, object.name);
    upload->type = std::move(object.type);
    upload->content = std::move(object.content);
    upload->idempotency_key = metadata(message.idempotency_key);
    upload->clock = SigningClock(message.unix_time);
    return start(upload);
}

}  // namespace

const Kind kKind = {
    .name = "s3",
    .needs_url = false,
    .options = {"bucket", "prefix", "region", "path_style", "multipart_above", "part_size",
                "presign"},
    .secrets = {"access_key_id", "secret_access_key", "session_token"},
    .check_sink = check_sink,
    .check_message = check_message,
    .deliver = deliver,
    .test_message = test_object,
};

}  // namespace kpi::net::s3
