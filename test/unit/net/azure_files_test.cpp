// A contract test: Azure Files has no emulator, so a share that follows Microsoft's REST reference
// (what must be there, which headers are required, what is answered when) stands in for it. It
// proves that the sink does what the reference says, not that the service does.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "net/sign/sign_azure.hpp"
#include "net/sink/kind.hpp"

namespace kpi::net::azure {
namespace {

constexpr const char *kKey = "MDEyMzQ1Njc4OWFiY2RlZg==";
constexpr std::string_view kHost = "https://kpiacct.file.core.windows.net/";

Response answer(int status, const std::string &code = {}) {
    Response result;
    result.status = status;
    if (!code.empty()) result.headers["x-ms-error-code"] = code;
    return result;
}

// Shares, directories and files, as the reference describes them.
class Share {
public:
    std::set<std::string> shares, directories;
    std::map<std::string, std::string> files;
    std::vector<std::string> calls;

    Response take(const Request &request) {
        EXPECT_EQ(request.method, "PUT");
        EXPECT_TRUE(request.url.starts_with(kHost)) << request.url;
        check_signature(request);
        std::string path = request.url.substr(kHost.size()), query;
        if (const size_t mark = path.find('?'); mark != std::string::npos) {
            query = path.substr(mark + 1);
            path.resize(mark);
        }
        calls.push_back(query.empty() ? "file" : query);
        if (query == "restype=share")
            return shares.insert(path).second ? answer(201) : answer(409, "ShareAlreadyExists");
        if (!shares.contains(path.substr(0, path.find('/')))) return answer(404, "ShareNotFound");
        const std::string parent = path.substr(0, path.rfind('/'));
        if (!shares.contains(parent) && !directories.contains(parent))
            return answer(404, "ParentNotFound");
        if (query == "restype=directory")
            return directories.insert(path).second ? answer(201)
                                                   : answer(409, "ResourceAlreadyExists");
        if (query == "comp=range") return range(request, path);
        EXPECT_EQ(header(request, "x-ms-type"), "file");
        for (const char *required : {"x-ms-file-permission", "x-ms-file-attributes",
                                     "x-ms-file-creation-time", "x-ms-file-last-write-time"})
            EXPECT_NE(header(request, required), "") << required;
        EXPECT_TRUE(request.body.empty());
        files[path] = std::string(std::stoul(header(request, "x-ms-content-length")), '\0');
        return answer(201);
    }

private:
    static std::string header(const Request &request, std::string_view name) {
        for (const auto &[known, value] : request.headers)
            if (known == name) return value;
        return {};
    }

    static void check_signature(const Request &request) {
        Request again = request;
        std::erase_if(again.headers, [](const auto &one) {
            return one.first == "Authorization" || one.first == "x-ms-date" ||
                   one.first == "x-ms-version";
        });
        sign_azure(again,
                   azure_account(std::string("AccountName=kpiacct;AccountKey=") + kKey,
                                 AzureService::file),
                   1795514400);
        EXPECT_EQ(header(request, "Authorization"), header(again, "Authorization"));
    }

    Response range(const Request &request, const std::string &path) {
        EXPECT_EQ(header(request, "x-ms-write"), "update");
        if (request.body.size() > 4 << 20) return answer(413, "RequestBodyTooLarge");
        size_t first = 0, last = 0;
        const std::string text = header(request, "x-ms-range");
        EXPECT_EQ(std::sscanf(text.c_str(), "bytes=%zu-%zu", &first, &last), 2) << text;
        if (!files.contains(path)) return answer(404, "ResourceNotFound");
        std::string &file = files[path];
        if (last + 1 - first != request.body.size() || last >= file.size())
            return answer(416, "InvalidRange");
        file.replace(first, request.body.size(), request.body);
        return answer(201);
    }
};

Sink sink() {
    Sink result;
    result.options = {{"share", "reports"}, {"path", "/kpi/"}, {"account", "kpiacct"}};
    result.secret = {{"account_key", kKey}};
    return result;
}

Message message(const std::string &content, const std::string &key = "2026/día 1.csv") {
    Message result;
    result.content = content;
    result.content_type = "text/csv";
    result.object_key = key;
    result.unix_time = 1795514400;
    return result;
}

Outcome deliver(Share &share, const Sink &to, const Message &what) {
    Step step = kFilesKind.deliver(to, what);
    while (auto *next = std::get_if<std::unique_ptr<Exchange>>(&step)) {
        const Response said = share.take((*next)->request);
        step = (*next)->then(said);
    }
    return std::get<Outcome>(step);
}

TEST(AzureFiles, DirectoriesAreMadeOnceAndTheFileIsWhole) {
    Share share;
    share.shares = {"reports"};
    const Outcome first = deliver(share, sink(), message("a,b"));
    EXPECT_EQ(first.state, Outcome::State::delivered) << first.error;
    EXPECT_EQ(first.result["file"], "kpi/2026/día 1.csv");
    EXPECT_EQ(share.files["reports/kpi/2026/d%C3%ADa%201.csv"], "a,b");
    EXPECT_EQ(share.calls, (std::vector<std::string>{"file", "restype=directory",
                                                     "restype=directory", "file", "comp=range"}));
    share.calls.clear();
    (void)deliver(share, sink(), message("longer than before"));
    EXPECT_EQ(share.calls, (std::vector<std::string>{"file", "comp=range"}));
    EXPECT_EQ(share.files["reports/kpi/2026/d%C3%ADa%201.csv"], "longer than before");
}

TEST(AzureFiles, ADirectoryThatIsThereAlreadyIsNoFault) {
    Share share;
    share.shares = {"reports"};
    share.directories = {"reports/kpi"};
    EXPECT_EQ(deliver(share, sink(), message("x")).state, Outcome::State::delivered);
}

TEST(AzureFiles, RangesOfFourMebibytes) {
    for (const size_t size : {size_t(0), size_t(1), size_t(4 << 20), size_t(9 << 20) + 5}) {
        Share share;
        share.shares = {"reports"};
        std::string content(size, 'x');
        for (size_t i = 0; i < size; i += 4097) content[i] = char('a' + i % 26);
        EXPECT_EQ(deliver(share, sink(), message(content, "f")).state, Outcome::State::delivered);
        EXPECT_EQ(share.files["reports/kpi/f"], content);
        EXPECT_EQ(size_t(std::count(share.calls.begin(), share.calls.end(), "comp=range")),
                  (size + (4 << 20) - 1) / (4 << 20));
    }
}

TEST(AzureFiles, AShareIsMadeOnlyWhereAskedFor) {
    Share share;
    const Outcome none = deliver(share, sink(), message("x"));
    EXPECT_EQ(none.state, Outcome::State::dead);
    EXPECT_EQ(none.error, "Azure Storage answered 404, ShareNotFound");
    Sink making = sink();
    making.options["create_share"] = true;
    EXPECT_EQ(deliver(share, making, message("x")).state, Outcome::State::delivered);
    EXPECT_TRUE(share.shares.contains("reports"));
}

TEST(AzureFiles, ABusyServiceIsTriedAgain) {
    Step step = kFilesKind.deliver(sink(), message("x"));
    step = std::get<std::unique_ptr<Exchange>>(step)->then(answer(503, "ServerBusy"));
    EXPECT_EQ(std::get<Outcome>(step).state, Outcome::State::retry);
}

TEST(AzureFiles, WhatCannotBeAFileOrAShare) {
    const auto state = [](const std::function<void()> &run) -> std::string {
        try {
            run();
        } catch (const Error &error) {
            return error.sqlstate;
        }
        return "none";
    };
    for (const char *wrong : {"", "a:b", "a?", "../a", "a/..", "a//b"})
        EXPECT_EQ(state([&] { kFilesKind.check_message(sink(), message("x", wrong)); }), "22023")
            << wrong;
    Sink one = sink();
    one.options["share"] = "$root";
    EXPECT_EQ(state([&] { kFilesKind.check_sink(one); }), "22023");
    EXPECT_EQ(state([&] { kFilesKind.check_sink(sink()); }), "none");
}

}  // namespace
}  // namespace kpi::net::azure
