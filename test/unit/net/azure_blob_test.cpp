// What an azure_blob sink refuses, and what it makes of answers that Azurite does not give.
#include <functional>

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "net/sink/kind.hpp"

namespace kpi::net::azure {
namespace {

Sink sink() {
    Sink result;
    result.options = {{"container", "reports"}, {"account", "kpiacct"}};
    result.secret = {{"account_key", "MDEyMzQ1Njc4OWFiY2RlZg=="}};
    return result;
}

Message message(const std::string &key = "a/b.csv") {
    Message result;
    result.content = "x";
    result.content_type = "text/csv";
    result.object_key = key;
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

Outcome after(const Response &answer) {
    Step step = kBlobKind.deliver(sink(), message());
    step = std::get<std::unique_ptr<Exchange>>(step)->then(answer);
    return std::get<Outcome>(step);
}

Response answer(int status, const std::string &code) {
    Response result;
    result.status = status;
    result.headers["x-ms-error-code"] = code;
    result.body = "string to sign was SIGNED";
    return result;
}

TEST(AzureBlob, BusyIsTriedAgainWithTheServicesOwnCode) {
    const Outcome busy = after(answer(503, "ServerBusy"));
    EXPECT_EQ(busy.state, Outcome::State::retry);
    EXPECT_TRUE(busy.receiver_down);
    EXPECT_EQ(busy.error, "Azure Storage answered 503, ServerBusy");
    EXPECT_EQ(after(answer(409, "ContainerBeingDeleted")).state, Outcome::State::retry);
    const Outcome denied = after(answer(403, "AuthenticationFailed"));
    EXPECT_EQ(denied.state, Outcome::State::dead);
    EXPECT_EQ(denied.error.find("SIGNED"), std::string::npos);
}

TEST(AzureBlob, TheRequestIsForTheAccountsOwnEndpoint) {
    Step step = kBlobKind.deliver(sink(), message("a b/c.csv"));
    EXPECT_EQ(std::get<std::unique_ptr<Exchange>>(step)->request.url,
              "https://kpiacct.blob.core.windows.net/reports/a%20b/c.csv");
}

TEST(AzureBlob, NamesThatTheServiceOrTheWayWouldChange) {
    for (const char *wrong : {"", "/a", "a//b", "a/", "..", "a/../b", "./a", "a.", "a\nb", "a\\b"})
        EXPECT_EQ(state([&] { kBlobKind.check_message(sink(), message(wrong)); }), "22023")
            << wrong;
    EXPECT_EQ(state([&] { kBlobKind.check_message(sink(), message(std::string(1025, 'a'))); }),
              "22023");
    EXPECT_EQ(state([&] { kBlobKind.check_message(sink(), message()); }), "none");
}

TEST(AzureBlob, OptionsThatCannotWork) {
    const auto with = [](const char *option, const nlohmann::json &value) {
        Sink one = sink();
        one.options[option] = value;
        return state([&] { kBlobKind.check_sink(one); });
    };
    EXPECT_EQ(with("container", "$web"), "none");
    for (const char *wrong : {"", "ab", "UPPER", "a--b", "-ab", "a_b"})
        EXPECT_EQ(with("container", wrong), "22023") << wrong;
    EXPECT_EQ(with("account", "a.evil.org/"), "22023");
    EXPECT_EQ(with("endpoint", "ftp://h"), "22023");
    EXPECT_EQ(with("endpoint", "https://h?sig=1"), "22023");
    EXPECT_EQ(with("block_bytes", 1), "22023");
    EXPECT_EQ(with("create_container", "yes"), "22023");
}

TEST(AzureBlob, SecretsThatAreMissingOrWouldTravelInClear) {
    const auto with = [](const nlohmann::json &secret, const nlohmann::json &options) {
        Sink one = sink();
        one.secret = secret;
        one.options.update(options);
        return state([&] { (void)kBlobKind.deliver(one, message()); });
    };
    EXPECT_EQ(with(nlohmann::json::object(), nlohmann::json::object()), "22023");
    EXPECT_EQ(with({{"sas", "sig=1"}}, {{"endpoint", "http://azurite:10000/a"}}), "22023");
    EXPECT_EQ(with({{"sas", "sig=1"}}, {{"endpoint", "http://127.0.0.1:10000/a"}}), "none");
    EXPECT_EQ(with({{"sas", "sig=1\r\nHost: x"}}, nlohmann::json::object()), "22023");
    EXPECT_EQ(with({{"account_key", "!"}}, nlohmann::json::object()), "22023");
}

}  // namespace
}  // namespace kpi::net::azure
