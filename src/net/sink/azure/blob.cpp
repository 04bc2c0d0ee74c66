// azure_blob: objects in a container of Azure Blob Storage.
//
// The content, or the message's JSON, becomes the block blob <prefix>/<object_key>: the same name
// and the same bytes in every attempt. Options: container, prefix, account, endpoint,
// create_container (made when it is found missing), block_bytes (content above it is sent in blocks
// of this size, which become the blob in one step), presign (seconds that a link to the blob in the
// result is good for; 0: none; it needs the account's key). Secrets: connection_string, account_key
// or sas. On an account with a hierarchical namespace (ADLS Gen2) the container is the filesystem,
// and what is written here is a file there.
#include <fmt/format.h>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "net/sink/azure/account.hpp"

namespace kpi::net::azure {
namespace {

constexpr int64_t kBlock = 8 << 20;
constexpr int64_t kSmallestBlock = 64 << 10, kLargestBlock = 100 << 20;

struct Upload {
    AzureAccount account;
    std::string container, blob, type, content;
    size_t block_bytes = 0;
    bool may_create = false;
    int64_t presign = 0;
    SigningClock clock;
};
using Shared = std::shared_ptr<Upload>;

Step put(const Shared &upload);
Step put_block(const Shared &upload, size_t number);

std::string blob_url(const Upload &upload) {
    return upload.account.endpoint + azure_path("/" + upload.container + "/" + upload.blob);
}

// All of a blob have the same length, as the service demands.
std::string block_id(size_t number) { return to_base64(fmt::format("{:06}", number)); }

Outcome done(const Upload &upload, const Response &answer) {
    Outcome outcome;
    outcome.status = answer.status;
    outcome.result = {{"container", upload.container}, {"blob", upload.blob}};
    const auto etag = answer.headers.find("etag");
    if (etag != answer.headers.end()) outcome.result["etag"] = etag->second;
    if (upload.presign > 0 && !upload.account.key.empty())
        outcome.result["url"] = azure_link(upload.account, upload.container, upload.blob,
                                           upload.clock.now(), upload.presign);
    return outcome;
}

Step create_container(const Shared &upload) {
    Request request;
    request.method = "PUT";
    request.url =
        upload->account.endpoint + azure_path("/" + upload->container) + "?restype=container";
    sign_azure(request, upload->account, upload->clock.now());
    upload->may_create = false;
    return exchange(std::move(request), [upload](const Response &answer) -> Step {
        const bool there = azure_code(answer) == "ContainerAlreadyExists";  // by someone else
        Outcome outcome = judge_azure(answer, upload->clock.now());
        if (there || outcome.state == Outcome::State::delivered) return put(upload);
        return outcome;
    });
}

// `then` gets good answers only. The first request finds out whether the container is there.
Step ask(const Shared &upload, Request request, std::function<Step(const Response &)> then) {
    request.method = "PUT";
    sign_azure(request, upload->account, upload->clock.now());
    return exchange(std::move(request),
                    [upload, then = std::move(then)](const Response &answer) -> Step {
                        if (upload->may_create && azure_code(answer) == "ContainerNotFound")
                            return create_container(upload);
                        Outcome outcome = judge_azure(answer, upload->clock.now());
                        if (outcome.state == Outcome::State::delivered) return then(answer);
                        return outcome;
                    });
}

Step put_list(const Shared &upload, size_t blocks) {
    Request request;
    request.url = blob_url(*upload) + "?comp=blocklist";
    request.headers = {{"Content-Type", "application/xml"},
                       {"x-ms-blob-content-type", upload->type}};
    request.body = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>";
    for (size_t i = 0; i < blocks; ++i) request.body += "<Latest>" + block_id(i) + "</Latest>";
    request.body += "</BlockList>";
    return ask(upload, std::move(request),
               [upload](const Response &answer) -> Step { return done(*upload, answer); });
}

Step put_block(const Shared &upload, size_t number) {
    const size_t at = number * upload->block_bytes;
    if (at >= upload->content.size()) return put_list(upload, number);
    Request request;
    request.url =
        fmt::format("{}?comp=block&blockid={}", blob_url(*upload), azure_query(block_id(number)));
    request.headers = {{"Content-Type", "application/octet-stream"}};
    request.body = upload->content.substr(at, upload->block_bytes);
    const auto next = [upload, number](const Response &) -> Step {
        return put_block(upload, number + 1);
    };
    return ask(upload, std::move(request), next);
}

Step put(const Shared &upload) {
    if (upload->content.size() > upload->block_bytes) return put_block(upload, 0);
    Request request;
    request.url = blob_url(*upload);
    request.headers = {{"Content-Type", upload->type}, {"x-ms-blob-type", "BlockBlob"}};
    request.body = upload->content;
    return ask(upload, std::move(request),
               [upload](const Response &answer) -> Step { return done(*upload, answer); });
}

size_t block_bytes(const Sink &sink) {
    const int64_t bytes = number_option(sink, "block_bytes", kBlock);
    if (bytes < kSmallestBlock || bytes > kLargestBlock)
        throw Error("22023", fmt::format("option \"block_bytes\" must be {} to {}", kSmallestBlock,
                                         kLargestBlock));
    return size_t(bytes);
}

int64_t presign(const Sink &sink) {
    constexpr int64_t kLongestLink = 7 * 86400;  // as of s3
    const int64_t seconds = number_option(sink, "presign", 0);
    if (seconds < 0 || seconds > kLongestLink)
        throw Error("22023", fmt::format("option \"presign\" must be 0 to {}", kLongestLink));
    return seconds;
}

void check_sink(const Sink &sink) {
    check_azure_options(sink);
    (void)azure_root(sink, "container");
    (void)text_option(sink, "prefix");
    (void)truth_option(sink, "create_container", false);
    (void)block_bytes(sink);
    (void)presign(sink);
}

void check_message(const Sink &sink, const Message &message) {
    (void)azure_object(sink, "prefix", message);
    (void)stored_type(message);
}

Step deliver(const Sink &sink, const Message &message) {
    return put(
        std::make_shared<Upload>(Upload{.account = sink_account(sink, AzureService::blob),
                                        .container = azure_root(sink, "container"),
                                        .blob = azure_object(sink, "prefix", message),
                                        .type = stored_type(message),
                                        .content = stored(message),
                                        .block_bytes = block_bytes(sink),
                                        .may_create = truth_option(sink, "create_container", false),
                                        .presign = presign(sink),
                                        .clock = SigningClock(message.unix_time)}));
}

}  // namespace

const Kind kBlobKind = {
    .name = "azure_blob",
    .needs_url = false,
    .options = {"account", "container", "prefix", "endpoint", "block_bytes", "create_container",
                "presign"},
    .secrets = {"connection_string", "account_key", "sas"},
    .check_sink = check_sink,
    .check_message = check_message,
    .deliver = deliver,
    .test_message = test_object,
};

}  // namespace kpi::net::azure
