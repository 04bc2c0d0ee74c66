// azure_files: files in a share of Azure Files.
//
// The content, or the message's JSON, becomes the file <path>/<object_key>: created with its
// length, then written in ranges of 4 MiB, the most that one request takes. Directories that are
// missing are made. Options: share, path, account, endpoint, create_share (made when it is found
// missing). Secrets: connection_string, account_key or sas.
// A reader may see the file before its last range is written; every attempt begins with a new,
// empty file, so that none ends as a mixture.
// Source: Microsoft's REST reference of Azure Files (Create File, Put Range, Create Directory,
// Create Share). There is no emulator: the tests hold to that text, not to a server.
#include <fmt/format.h>

#include "core/error.hpp"
#include "net/sink/azure/account.hpp"

namespace kpi::net::azure {
namespace {

constexpr size_t kRange = 4 << 20;

struct Writing {
    AzureAccount account;
    std::string share, file, type, content;
    bool may_create_share = false;
    bool may_create_directories = true;
    SigningClock clock;

    std::string url(std::string_view path) const {
        return account.endpoint +
               azure_path(fmt::format("/{}{}{}", share, path.empty() ? "" : "/", path));
    }
};
using Shared = std::shared_ptr<Writing>;
using Then = std::function<Step()>;

Step create_file(const Shared &writing);

// Goes on after a good answer, and after `fine`: a code that means it is as it should be.
Step ask(const Shared &writing, Request request, std::string_view fine, Then then) {
    request.method = "PUT";
    sign_azure(request, writing->account, writing->clock.now());
    return exchange(std::move(request),
                    [writing, fine = std::string(fine),
                     then = std::move(then)](const Response &answer) -> Step {
                        Outcome outcome = judge_azure(answer, writing->clock.now());
                        const bool good = outcome.state == Outcome::State::delivered ||
                                          (!fine.empty() && azure_code(answer) == fine);
                        if (good) return then();
                        return outcome;
                    });
}

Step put_range(const Shared &writing, size_t at) {
    if (at >= writing->content.size()) {
        Outcome outcome;
        outcome.status = 201;
        outcome.result = {{"share", writing->share}, {"file", writing->file}};
        return outcome;
    }
    Request request;
    request.url = writing->url(writing->file) + "?comp=range";
    request.body = writing->content.substr(at, kRange);
    const size_t end = at + request.body.size();
    request.headers = {{"Content-Type", "application/octet-stream"},
                       {"x-ms-write", "update"},
                       {"x-ms-range", fmt::format("bytes={}-{}", at, end - 1)}};
    return ask(writing, std::move(request), {}, [writing, end] { return put_range(writing, end); });
}

// The directories of the file from the outermost one; `from`: where the next part begins.
Step create_directories(const Shared &writing, size_t from) {
    const size_t slash = writing->file.find('/', from);
    if (slash == std::string::npos) return create_file(writing);
    Request request;
    request.url = writing->url(writing->file.substr(0, slash)) + "?restype=directory";
    return ask(writing, std::move(request), "ResourceAlreadyExists",
               [writing, slash] { return create_directories(writing, slash + 1); });
}

Step create_share(const Shared &writing) {
    Request request;
    request.url = writing->url({}) + "?restype=share";
    return ask(writing, std::move(request), "ShareAlreadyExists",
               [writing] { return create_file(writing); });
}

// Finds out what is missing: each is made once, then this is tried again.
Step create_file(const Shared &writing) {
    Request request;
    request.method = "PUT";
    request.url = writing->url(writing->file);
    request.headers = {{"x-ms-type", "file"},
                       {"x-ms-content-length", std::to_string(writing->content.size())},
                       {"x-ms-content-type", writing->type},
                       {"x-ms-file-permission", "inherit"},
                       {"x-ms-file-attributes", "none"},
                       {"x-ms-file-creation-time", "now"},
                       {"x-ms-file-last-write-time", "now"}};
    sign_azure(request, writing->account, writing->clock.now());
    return exchange(std::move(request), [writing](const Response &answer) -> Step {
        const std::string code = azure_code(answer);
        if (writing->may_create_share && code == "ShareNotFound") {
            writing->may_create_share = false;
            return create_share(writing);
        }
        if (writing->may_create_directories && code == "ParentNotFound") {
            writing->may_create_directories = false;
            return create_directories(writing, 0);
        }
        Outcome outcome = judge_azure(answer, writing->clock.now());
        if (outcome.state == Outcome::State::delivered) return put_range(writing, 0);
        return outcome;
    });
}

// Windows' rules hold here: a share is read over SMB as well.
std::string file_name(const Sink &sink, const Message &message) {
    std::string name = azure_object(sink, "path", message);
    if (name.find_first_of("\":|<>*?") != std::string::npos)
        throw Error("22023", "the object_key cannot be the name of a file in a share", {},
                    "It holds none of \" : | < > * ?");
    return name;
}

void check_sink(const Sink &sink) {
    check_azure_options(sink);
    if (azure_root(sink, "share").starts_with('$'))
        throw Error("22023", "option \"share\" of the sink is not a valid name");
    (void)text_option(sink, "path");
    (void)truth_option(sink, "create_share", false);
}

void check_message(const Sink &sink, const Message &message) {
    (void)file_name(sink, message);
    (void)stored_type(message);
}

Step deliver(const Sink &sink, const Message &message) {
    return create_file(std::make_shared<Writing>(
        Writing{.account = sink_account(sink, AzureService::file),
                .share = azure_root(sink, "share"),
                .file = file_name(sink, message),
                .type = stored_type(message),
                .content = stored(message),
                .may_create_share = truth_option(sink, "create_share", false),
                .clock = SigningClock(message.unix_time)}));
}

}  // namespace

const Kind kFilesKind = {
    .name = "azure_files",
    .needs_url = false,
    .options = {"account", "share", "path", "endpoint", "create_share"},
    .secrets = {"connection_string", "account_key", "sas"},
    .check_sink = check_sink,
    .check_message = check_message,
    .deliver = deliver,
    .test_message = test_object,
};

}  // namespace kpi::net::azure
