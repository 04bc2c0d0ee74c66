// What an s3 sink sends and refuses, and what it makes of answers that a test server does not give.
#include <functional>

#include <gtest/gtest.h>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "net/sink/kind.hpp"

namespace kpi::net::s3 {
namespace {

using State = Outcome::State;

Sink sink(const nlohmann::json &options = nlohmann::json::object(), const std::string &url = "") {
    Sink result;
    result.url = url;
    result.options = {{"bucket", "reports"}, {"prefix", "/kpi/"}};
    if (!options.is_null()) result.options.update(options);
    result.secret = {{"access_key_id", "AKID"}, {"secret_access_key", "SECRET"}};
    return result;
}

Message message(const std::string &key = "a/b c.csv") {
    Message result;
    result.content = "x,y\n";
    result.content_type = "text/csv";
    result.object_key = key;
    result.idempotency_key = "night-17";
    result.unix_time = 1369353600;  // 2013-05-24
    return result;
}

Message large() {
    Message result = message();
    result.content = std::string((10 << 20) + 1, 'z');
    return result;
}

std::string state(const std::function<void()> &run) {
    try {
        run();
    } catch (const Error &error) {
        return error.sqlstate;
    }
    return "none";
}

Response answer(int status, const std::string &code = "") {
    Response result;
    result.status = status;
    if (!code.empty())
        result.body = "<?xml?>\n<Error><Code>" + code + "</Code><Key>https://h/k</Key></Error>";
    return result;
}

const Request &request(const Step &step) {
    return std::get<std::unique_ptr<Exchange>>(step)->request;
}

// The continuation outlives its exchange's place in `step`.
Step after(Step step, const Response &got) {
    const auto asked = std::move(std::get<std::unique_ptr<Exchange>>(step));
    return asked->then(got);
}

Outcome outcome(const Step &step) { return std::get<Outcome>(step); }

std::string header(const Request &sent, const std::string &wanted) {
    for (const auto &[name, value] : sent.headers)
        if (name == wanted) return value;
    return {};
}

TEST(S3, PutsTheObjectSignedAndWithItsDigests) {
    const Step step = kKind.deliver(sink({{"region", "eu-central-1"}}), message());
    const Request &put = request(step);
    EXPECT_EQ(put.method, "PUT");
    EXPECT_EQ(put.url, "https://reports.s3.eu-central-1.amazonaws.com/kpi/a/b%20c.csv");
    EXPECT_EQ(put.body, "x,y\n");
    EXPECT_EQ(header(put, "Content-Type"), "text/csv");
    EXPECT_EQ(header(put, "x-amz-content-sha256"), hex(sha256("x,y\n")));
    EXPECT_EQ(header(put, "x-amz-checksum-sha256"), to_base64(sha256("x,y\n")));
    EXPECT_EQ(header(put, "x-amz-meta-idempotency-key"), "night-17");
    EXPECT_NE(
        header(put, "Authorization")
            .find("AKID/20130524/eu-central-1/s3/aws4_request, SignedHeaders=content-type;host;"
                  "x-amz-checksum-sha256;x-amz-content-sha256;x-amz-date;"
                  "x-amz-meta-idempotency-key,"),
        std::string::npos);
}

TEST(S3, WhereTheBucketIs) {
    const auto url = [](const nlohmann::json &options, const std::string &endpoint) {
        return request(kKind.deliver(sink(options, endpoint), message("k"))).url;
    };
    EXPECT_EQ(url({}, "https://ceph:8443/"), "https://ceph:8443/reports/kpi/k");
    EXPECT_EQ(url({}, "https://ceph:443"), "https://ceph/reports/kpi/k");
    EXPECT_EQ(url({{"path_style", false}}, "http://ceph:8080"), "http://reports.ceph:8080/kpi/k");
    EXPECT_EQ(url({{"path_style", true}}, ""), "https://s3.us-east-1.amazonaws.com/reports/kpi/k");
    EXPECT_EQ(url({{"bucket", "a.b"}}, ""), "https://s3.us-east-1.amazonaws.com/a.b/kpi/k");
}

TEST(S3, TheSessionTokenIsSigned) {
    Sink with = sink();
    with.secret["session_token"] = "TOKEN";
    const Step step = kKind.deliver(with, message());
    EXPECT_EQ(header(request(step), "X-Amz-Security-Token"), "TOKEN");
    EXPECT_NE(header(request(step), "Authorization").find("x-amz-security-token"),
              std::string::npos);
}

TEST(S3, ATextUnderItsKeyOrTheJsonUnderTheObjectKey) {
    Message text;
    text.body = R"({"key":"note.txt","text":"hello"})";
    const Step one = kKind.deliver(sink(), text);
    EXPECT_TRUE(request(one).url.ends_with("/kpi/note.txt"));
    EXPECT_EQ(request(one).body, "hello");
    EXPECT_EQ(header(request(one), "x-amz-meta-idempotency-key"), "");
    text.object_key = "whole.json";
    const Step two = kKind.deliver(sink(), text);
    EXPECT_EQ(request(two).body, text.body);
    EXPECT_EQ(header(request(two), "Content-Type"), "application/json");
    Message neither;
    neither.body = R"({"key":"a"})";
    EXPECT_EQ(state([&] { kKind.check_message(sink(), neither); }), "22023");
}

TEST(S3, TheResultNamesTheObjectAndLinksToItWhenAsked) {
    Response good = answer(200);
    good.headers["etag"] = "\"abc\"";
    const Outcome plain = outcome(after(kKind.deliver(sink(), message("k")), good));
    EXPECT_EQ(plain.state, State::delivered);
    EXPECT_EQ(plain.result,
              (nlohmann::json{{"bucket", "reports"}, {"key", "kpi/k"}, {"etag", "\"abc\""}}));
    const Outcome linked =
        outcome(after(kKind.deliver(sink({{"presign", 604800}}), message("k")), good));
    const auto url = linked.result["url"].get<std::string>();
    EXPECT_TRUE(
        url.starts_with("https://reports.s3.us-east-1.amazonaws.com/kpi/k?X-Amz-Algorithm="));
    EXPECT_NE(url.find("X-Amz-Expires=604800&"), std::string::npos);
    EXPECT_EQ(state([] { kKind.check_sink(sink({{"presign", 604801}})); }), "22023");
}

TEST(S3, TheRegionIsCorrectedOnce) {
    Response moved = answer(301, "PermanentRedirect");
    moved.headers["x-amz-bucket-region"] = "eu-west-1";
    Step step = after(kKind.deliver(sink(), message("k")), moved);
    EXPECT_EQ(request(step).url, "https://reports.s3.eu-west-1.amazonaws.com/kpi/k");
    EXPECT_NE(header(request(step), "Authorization").find("/eu-west-1/s3/"), std::string::npos);
    moved.headers["x-amz-bucket-region"] = "eu-west-2";
    const Outcome again = outcome(after(std::move(step), moved));
    EXPECT_EQ(again.state, State::dead);
    EXPECT_EQ(again.error, "S3 answered 301, PermanentRedirect");

    Response malformed = answer(400);
    malformed.body =
        "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>";
    step = after(kKind.deliver(sink({}, "https://ceph"), message("k")), malformed);
    EXPECT_EQ(request(step).url, "https://ceph/reports/kpi/k");
    EXPECT_NE(header(request(step), "Authorization").find("/eu-west-3/s3/"), std::string::npos);
    malformed.body =
        "<Error><Code>AuthorizationHeaderMalformed</Code><Region>x.evil.org/</Region></Error>";
    EXPECT_EQ(outcome(after(kKind.deliver(sink(), message("k")), malformed)).state, State::dead);
}

TEST(S3, WhatIsTriedAgain) {
    const auto judged = [](const Response &got) {
        return outcome(after(kKind.deliver(sink(), message("k")), got));
    };
    for (const auto &[status, code] : {std::pair(503, "SlowDown"),
                                       {500, "InternalError"},
                                       {400, "RequestTimeout"},
                                       {400, "BadDigest"},
                                       {400, "XAmzContentSHA256Mismatch"},
                                       {400, "IncompleteBody"},
                                       {409, "OperationAborted"}})
        EXPECT_EQ(judged(answer(status, code)).state, State::retry) << code;
    for (const auto &[status, code] : {std::pair(403, "AccessDenied"),
                                       {404, "NoSuchBucket"},
                                       {400, "InvalidDigest"},
                                       {403, "RequestTimeTooSkewed"}}) {
        const Outcome dead = judged(answer(status, code));
        EXPECT_EQ(dead.state, State::dead) << code;
        EXPECT_EQ(dead.error, "S3 answered " + std::to_string(status) + ", " + code);
    }
    EXPECT_EQ(judged(answer(403)).error, "S3 answered 403");
}

// As far as the first part.
Step opened() {
    Response initiated = answer(200);
    initiated.body =
        "<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>";
    return after(
        kKind.deliver(sink({{"multipart_above", 5 << 20}, {"part_size", 5 << 20}}), large()),
        initiated);
}

TEST(S3, LargeContentGoesInParts) {
    const Step first = kKind.deliver(sink({{"multipart_above", 5 << 20}}), large());
    EXPECT_EQ(request(first).method, "POST");
    EXPECT_TRUE(request(first).url.ends_with("/kpi/a/b%20c.csv?uploads="));
    EXPECT_EQ(header(request(first), "Content-Type"), "text/csv");
    Step step = opened();
    for (const size_t bytes : {size_t(5 << 20), size_t(5 << 20), size_t(1)}) {
        EXPECT_EQ(request(step).method, "PUT");
        EXPECT_EQ(request(step).body.size(), bytes);
        EXPECT_EQ(header(request(step), "x-amz-content-sha256"), hex(sha256(request(step).body)));
        EXPECT_EQ(header(request(step), "Content-MD5"), to_base64(md5(request(step).body)));
        Response stored = answer(200);
        stored.headers["etag"] = "\"" + std::to_string(bytes) + "\"";
        step = after(std::move(step), stored);
    }
    EXPECT_TRUE(request(step).url.ends_with("?uploadId=u%2F1"));
    EXPECT_NE(request(step).body.find(
                  "<Part><PartNumber>3</PartNumber><ETag>\"1\"</ETag></Part></Complete"),
              std::string::npos);
    Response whole = answer(200);
    whole.body =
        "<CompleteMultipartUploadResult><ETag>&quot;w-3&quot;</ETag></"
        "CompleteMultipartUploadResult>";
    const Outcome stored = outcome(after(std::move(step), whole));
    EXPECT_EQ(stored.state, State::delivered);
    EXPECT_EQ(stored.result["etag"], "\"w-3\"");
}

TEST(S3, AFailedPartAbortsTheUploadAndStaysTheReason) {
    Step step = after(opened(), answer(403, "AccessDenied"));
    EXPECT_EQ(request(step).method, "DELETE");
    EXPECT_TRUE(request(step).url.ends_with("?uploadId=u%2F1"));
    const Outcome dead = outcome(after(std::move(step), answer(500)));
    EXPECT_EQ(dead.state, State::dead);
    EXPECT_EQ(dead.error, "S3 answered 403, AccessDenied");
    Response lost;
    lost.fault = Fault::cut;
    EXPECT_EQ(outcome(after(opened(), lost)).state, State::retry);
    EXPECT_EQ(request(after(opened(), answer(200))).method, "DELETE");  // a part without an ETag
}

TEST(S3, AFailureAfterTheStatusIsNoDelivery) {
    EXPECT_EQ(
        outcome(after(kKind.deliver(sink(), message("k")), answer(200, "InternalError"))).state,
        State::retry);
    EXPECT_EQ(outcome(after(kKind.deliver(sink(), message("k")), answer(200, "InvalidPart"))).state,
              State::dead);
}

TEST(S3, OptionsSecretsAndKeysThatCannotWork) {
    const auto with = [](const char *option, const nlohmann::json &value) {
        return state([&] { kKind.check_sink(sink({{option, value}})); });
    };
    EXPECT_EQ(with("region", "eu-north-1"), "none");
    for (const char *wrong : {"", "ab", "UPPER", "a..b", "-abc", "a_b", "a/b"})
        EXPECT_EQ(with("bucket", wrong), "22023") << wrong;
    for (const char *wrong : {"", "x.evil.org", "EU"})
        EXPECT_EQ(with("region", wrong), "22023") << wrong;
    EXPECT_EQ(with("part_size", 1), "22023");
    EXPECT_EQ(with("path_style", "yes"), "22023");
    for (const char *wrong :
         {"ftp://h", "https://", "https://h/bucket", "https://u:p@h", "https://h?x"})
        EXPECT_EQ(state([&] { kKind.check_sink(sink({}, wrong)); }), "22023") << wrong;
    for (const auto &wrong : {std::string(), std::string("/a"), std::string("a/../b"),
                              std::string("./a"), std::string("a\nb"), std::string(1025, 'a')})
        EXPECT_EQ(state([&] { kKind.check_message(sink(), message(wrong)); }), "22023") << wrong;
    Sink bare = sink();
    bare.secret.erase("secret_access_key");
    EXPECT_EQ(state([&] { (void)kKind.deliver(bare, message()); }), "22023");
    bare.secret = {{"access_key_id", "A\r\nHost: x"}, {"secret_access_key", "s"}};
    EXPECT_EQ(state([&] { (void)kKind.deliver(bare, message()); }), "22023");
}

}  // namespace
}  // namespace kpi::net::s3
