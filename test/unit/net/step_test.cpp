#include "net/wire/step.hpp"

#include <gtest/gtest.h>

namespace kpi::net {
namespace {

using State = Outcome::State;

Outcome judged(int status, std::map<std::string, std::string> headers = {}, std::string body = {}) {
    Response answer;
    answer.status = status;
    answer.headers = std::move(headers);
    answer.body = std::move(body);
    return judge(answer, 1'800'000'000);
}

Outcome judged(Fault fault) {
    Response answer;
    answer.fault = fault;
    answer.error = "why";
    return judge(answer, 0);
}

}  // namespace

TEST(Judge, Statuses) {
    EXPECT_EQ(judged(200).state, State::delivered);
    EXPECT_EQ(judged(204).state, State::delivered);
    for (const int status : {301, 302, 307, 400, 401, 403, 404, 410, 422})
        EXPECT_EQ(judged(status).state, State::dead) << status;
    for (const int status : {408, 425, 429, 500, 502, 503, 504})
        EXPECT_EQ(judged(status).state, State::retry) << status;
    EXPECT_TRUE(judged(503).receiver_down);
    EXPECT_FALSE(judged(429).receiver_down);
}

TEST(Judge, Faults) {
    for (const Fault fault : {Fault::dns, Fault::connect, Fault::tls, Fault::timeout, Fault::cut}) {
        EXPECT_EQ(judged(fault).state, State::retry);
        EXPECT_TRUE(judged(fault).receiver_down);
    }
    for (const Fault fault : {Fault::blocked, Fault::invalid, Fault::too_large, Fault::login})
        EXPECT_EQ(judged(fault).state, State::dead);
    EXPECT_EQ(judged(Fault::dns).error, "why");
}

TEST(Judge, RetryAfter) {
    EXPECT_EQ(judged(429, {{"retry-after", "17"}}).retry_after, 17);
    EXPECT_EQ(judged(503, {{"retry-after", "Fri, 15 Jan 2027 08:00:40 GMT"}}).retry_after, 40);
    EXPECT_EQ(judged(503, {{"retry-after", "Fri, 15 Jan 2010 08:00:40 GMT"}}).retry_after, 0);
    EXPECT_EQ(judged(503, {{"retry-after", "99999999"}}).retry_after, 86400);
    EXPECT_EQ(judged(503, {{"retry-after", "soon"}}).retry_after, std::nullopt);
    EXPECT_EQ(judged(404, {{"retry-after", "17"}}).retry_after, std::nullopt);
}

TEST(Judge, SaysWhatTheReceiverSaid) {
    EXPECT_EQ(judged(400, {}, " bad\r\n\x01 body ").error, "the receiver answered 400: bad body");
    EXPECT_EQ(judged(302).error,
              "the receiver answered 302, a redirect; redirects are not followed");
}

TEST(Excerpt, CutsBetweenCharacters) {
    EXPECT_EQ(excerpt("\xc3\xa1\xc3\xa1\xc3\xa1", 3), "\xc3\xa1...");
    EXPECT_EQ(excerpt("short", 5), "short");
    EXPECT_EQ(excerpt(""), "");
}

}  // namespace kpi::net
