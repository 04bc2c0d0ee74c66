// JWTs, access tokens and key files of Google's service accounts; whole conversations are in
// test/wire/test_sheets.py.
#include <algorithm>

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "net/sign/jwt.hpp"
#include "net/sink/sheets/google.hpp"
#include "unit/net/rsa_key.hpp"

namespace kpi::net::sheets {
namespace {

using nlohmann::json;

constexpr int64_t kNow = 1'800'000'000;

const RsaKey &key() {
    static const RsaKey made;
    return made;
}

json file(const std::string &uri = "https://oauth2.example/token") {
    return {{"type", "service_account"},
            {"client_email", "kpi@p.example"},
            {"private_key_id", "kid1"},
            {"private_key", key().pem()},
            {"token_uri", uri}};
}

std::string decoded(std::string text) {
    std::replace(text.begin(), text.end(), '-', '+');
    std::replace(text.begin(), text.end(), '_', '/');
    while (text.size() % 4 != 0) text += '=';
    return from_base64(text);
}

std::vector<std::string> parts(const std::string &jwt) {
    const size_t first = jwt.find('.'), second = jwt.find('.', first + 1);
    return {jwt.substr(0, first), jwt.substr(first + 1, second - first - 1),
            jwt.substr(second + 1)};
}

std::string hint(const std::string &text) {
    try {
        (void)service_account(text);
    } catch (const Error &error) {
        EXPECT_EQ(error.sqlstate, "22023");
        EXPECT_EQ((error.message + error.hint + error.detail).find("PRIVATE"), std::string::npos);
        return error.message;
    }
    return {};
}

TEST(Jwt, IsSignedByTheKeyAndHoldsTheClaims) {
    const std::string jwt =
        token_assertion(service_account(file().dump()), "https://scope.example/a b", kNow);
    const auto part = parts(jwt);
    EXPECT_EQ(jwt.find_first_of("+/= \n"), std::string::npos);
    EXPECT_EQ(json::parse(decoded(part[0])),
              json({{"alg", "RS256"}, {"typ", "JWT"}, {"kid", "kid1"}}));
    EXPECT_EQ(json::parse(decoded(part[1])), json({{"iss", "kpi@p.example"},
                                                   {"scope", "https://scope.example/a b"},
                                                   {"aud", "https://oauth2.example/token"},
                                                   {"iat", kNow},
                                                   {"exp", kNow + 3600}}));
    const std::string signature = decoded(part[2]);
    EXPECT_EQ(signature.size(), 256u);
    EXPECT_TRUE(key().signed_this(part[0] + "." + part[1], signature));
    EXPECT_FALSE(key().signed_this(part[0] + "." + part[1] + "A", signature));
    EXPECT_FALSE(RsaKey().signed_this(part[0] + "." + part[1], signature));
    EXPECT_EQ(json::parse(decoded(parts(jwt_rs256(json::object(), key().pem()))[0])).size(), 2u);
}

TEST(Jwt, AKeyThatCannotSignIsRefusedAndLeavesNoErrorBehind) {
    for (const std::string &pem : {std::string(), std::string("x"), RsaKey(1024).pem(),
                                   key().pem("secret"), key().pem().substr(0, 400)}) {
        EXPECT_THROW(check_rs256_key(pem), Error);
        EXPECT_THROW((void)jwt_rs256(json::object(), pem), Error);
        EXPECT_EQ(ERR_peek_error(), 0u);
    }
    EXPECT_NO_THROW(check_rs256_key(key().pem()));
}

TEST(ServiceAccount, FilesThatAreNoneAreRefused) {
    EXPECT_EQ(hint(file().dump()), "");
    EXPECT_EQ(hint(file("http://127.0.0.1:80/token").dump()), "");
    EXPECT_EQ(hint("/etc/key.json"), "the key file of the service account is no JSON object");
    json other = file();
    other["type"] = "authorized_user";
    EXPECT_EQ(hint(other.dump()), "the key file is not one of a service account");
    for (const char *name : {"client_email", "private_key", "token_uri"}) {
        json without = file();
        without.erase(name);
        EXPECT_NE(hint(without.dump()).find(name), std::string::npos);
    }
    for (const char *uri : {"http://oauth2.example/token", "https://", "https://a@b/c", "file:///x",
                            "http://127.0.0.1:80@evil.example/", "http://localhost.evil.example/"})
        EXPECT_EQ(hint(file(uri).dump()), "the token_uri of the service account is not valid");
}

TEST(TokenCache, ATokenIsGoodUntilAMinuteBeforeItEnds) {
    TokenCache cache;
    cache.keep("a", "t", 3600, kNow);
    EXPECT_EQ(cache.find("a", kNow), "t");
    EXPECT_EQ(cache.find("a", kNow + 3539), "t");
    EXPECT_EQ(cache.find("a", kNow + 3540), std::nullopt);
    EXPECT_EQ(cache.find("b", kNow), std::nullopt);
    cache.keep("a", "u", 3600, kNow + 10);
    EXPECT_EQ(cache.find("a", kNow + 3540), "u");
    cache.forget("a");
    EXPECT_EQ(cache.find("a", kNow), std::nullopt);
    cache.keep("short", "t", 60, kNow);
    EXPECT_EQ(cache.find("short", kNow), std::nullopt);
}

TEST(TokenCache, HoldsAHundred) {
    TokenCache cache;
    for (int at = 0; at < 250; ++at) cache.keep(std::to_string(at), "t", 3600, kNow);
    int held = 0;
    for (int at = 0; at < 250; ++at) held += cache.find(std::to_string(at), kNow) ? 1 : 0;
    EXPECT_LE(held, 100);
    EXPECT_EQ(cache.find("249", kNow), "t");
}

class GoogleCall : public testing::Test {
protected:
    using Next = std::unique_ptr<Exchange>;

    static std::shared_ptr<GoogleCaller> caller(const std::string &scope, int64_t now = kNow) {
        auto made = std::make_shared<GoogleCaller>();
        made->account = service_account(file().dump());
        made->scope = scope;
        made->clock = SigningClock(now);
        return made;
    }
    static Next start(const std::shared_ptr<GoogleCaller> &caller) {
        Step step = google_call(
            caller,
            [] {
                Request request;
                request.url = "https://api.example/x";
                return request;
            },
            [](const Response &answer) -> Step {
                Outcome outcome;
                outcome.status = answer.status;
                return outcome;
            });
        return std::move(std::get<Next>(step));
    }
    static Response answer(int status, const std::string &body = "{}") {
        Response made;
        made.status = status;
        made.body = body;
        return made;
    }
    static Next next(Step step) { return std::move(std::get<Next>(step)); }
    static bool asks_for_token(const Next &exchange) {
        return exchange->request.url == "https://oauth2.example/token";
    }
    static std::string bearer(const Next &exchange) {
        for (const auto &[name, value] : exchange->request.headers)
            if (name == "Authorization") return value;
        return {};
    }

    const std::string token_ = R"({"access_token": "t1", "expires_in": 3600})";
};

TEST_F(GoogleCall, TheTokenIsKeptForTheNextCallerOfTheSameAccountAndScope) {
    Next asked = start(caller("kept"));
    ASSERT_TRUE(asks_for_token(asked));
    EXPECT_EQ(asked->request.body.substr(0, 77),
              "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=ey");
    EXPECT_EQ(bearer(asked), "");
    const Next called = next(asked->then(answer(200, token_)));
    EXPECT_EQ(called->request.url, "https://api.example/x");
    EXPECT_EQ(bearer(called), "Bearer t1");
    EXPECT_EQ(std::get<Outcome>(called->then(answer(200))).status, 200);

    EXPECT_EQ(bearer(start(caller("kept"))), "Bearer t1");
    EXPECT_TRUE(asks_for_token(start(caller("other"))));
    EXPECT_TRUE(asks_for_token(start(caller("kept", kNow + 3600))));
}

TEST_F(GoogleCall, ARefusedTokenIsThrownAwayForEveryone) {
    Next called = next(start(caller("thrown"))->then(answer(200, token_)));
    Next asked = next(called->then(answer(401)));
    ASSERT_TRUE(asks_for_token(asked));
    EXPECT_TRUE(asks_for_token(start(caller("thrown"))));
    called = next(asked->then(answer(200, R"({"access_token": "t2", "expires_in": 3600})")));
    EXPECT_EQ(bearer(called), "Bearer t2");
    EXPECT_EQ(std::get<Outcome>(called->then(answer(401))).status, 401);
}

TEST_F(GoogleCall, TheServersTimeIsTriedOnce) {
    const Next asked = start(caller("skewed"));
    Response refused = answer(400, R"({"error": "invalid_grant"})");
    EXPECT_EQ(std::get<Outcome>(asked->then(refused)).state, Outcome::State::dead);
    refused.headers["date"] = "Wed, 20 Jan 2027 10:00:00 GMT";
    const Next again = next(asked->then(refused));
    const auto claims = [](const Next &exchange) {
        const std::string &body = exchange->request.body;
        return json::parse(decoded(parts(body.substr(body.rfind('=') + 1))[1]));
    };
    EXPECT_NEAR(double(claims(asked)["iat"]), double(kNow), 5);
    EXPECT_NEAR(double(claims(again)["iat"]), 1'800'439'200, 5);
    EXPECT_EQ(double(claims(again)["exp"]) - double(claims(again)["iat"]), 3600);
    const auto outcome = std::get<Outcome>(again->then(refused));
    EXPECT_EQ(outcome.state, Outcome::State::dead);
    EXPECT_NE(outcome.error.find("invalid_grant"), std::string::npos);
    EXPECT_TRUE(asks_for_token(start(caller("skewed"))));
}

}  // namespace
}  // namespace kpi::net::sheets
