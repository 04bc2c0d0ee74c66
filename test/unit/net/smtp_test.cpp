// What an smtp sink hands to the wire, and what it refuses.
#include <functional>

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "net/sink/kind.hpp"

namespace kpi::net::smtp {
namespace {

Sink sink() {
    Sink result;
    result.name = "mail";
    result.url = "smtp://mail.example.com:587";
    result.options = {{"from", "kpi@example.com"}, {"to", {"default@example.com"}}};
    return result;
}

Message message(const nlohmann::json &body) {
    Message result;
    result.idempotency_key = "k1";
    result.body = body.dump();
    result.unix_time = 1795514400;
    return result;
}

std::unique_ptr<Exchange> first(const Sink &to, const Message &what) {
    Step step = kKind.deliver(to, what);
    return std::move(std::get<std::unique_ptr<Exchange>>(step));
}

std::string problem(const std::function<void()> &run) {
    try {
        run();
    } catch (const Error &error) {
        return error.sqlstate + " " + error.message;
    }
    return "none";
}

TEST(Smtp, EnvelopeHoldsEveryoneOnceAndHeadersNoBlindCopies) {
    const auto wire = first(sink(), message({{"to", {"A <a@x.org>", "b@x.org"}},
                                             {"cc", "b@x.org"},
                                             {"bcc", {"c@x.org"}},
                                             {"subject", "s"},
                                             {"text", "t"}}));
    const Mail &mail = *wire->request.mail;
    EXPECT_EQ(mail.recipients, (std::vector<std::string>{"a@x.org", "b@x.org", "c@x.org"}));
    EXPECT_EQ(mail.from, "kpi@example.com");
    EXPECT_TRUE(mail.starttls);
    EXPECT_EQ(mail.text.find("c@x.org"), std::string::npos);
    EXPECT_NE(mail.text.find("To: A <a@x.org>,\r\n b@x.org\r\nCc: b@x.org\r\n"), std::string::npos);
    EXPECT_NE(mail.text.find("Message-ID: <k1@example.com>"), std::string::npos);
}

TEST(Smtp, DefaultRecipientsAndContentAsAttachment) {
    Message what = message({{"subject", "s"}, {"text", "t"}});
    what.content = "a,b";
    what.content_type = "text/csv";
    what.object_key = "reports/2026/day.csv";
    const auto wire = first(sink(), what);
    EXPECT_EQ(wire->request.mail->recipients, std::vector<std::string>{"default@example.com"});
    EXPECT_NE(wire->request.mail->text.find("filename=\"day.csv\""), std::string::npos);
}

TEST(Smtp, RefusedRecipientsAreNamed) {
    const auto wire = first(
        sink(),
        message({{"to", {"a@x.org", "b@x.org", "c@x.org"}}, {"subject", "s"}, {"text", "t"}}));
    Response answer;
    answer.status = 250;
    answer.body =
        "220 hi\r\n250-mail\r\n250 HELP\r\n250 sender ok\r\n250 a\r\n550-no\r\n550 5.1.1 "
        "unknown\r\n"
        "250 c\r\n354 go\r\n250 queued\r\n";
    Step step = wire->then(answer);
    const Outcome &outcome = std::get<Outcome>(step);
    EXPECT_EQ(outcome.state, Outcome::State::delivered);
    EXPECT_EQ(outcome.error, "refused b@x.org: 550 5.1.1 unknown");
    EXPECT_EQ(outcome.result["recipients"], 2);
    EXPECT_EQ(outcome.result["refused"][0]["recipient"], "b@x.org");
    answer.body.clear();  // nothing is claimed when nothing was said
    step = wire->then(answer);
    EXPECT_EQ(std::get<Outcome>(step).error, "");
}

TEST(Smtp, FaultsOfTheServer) {
    const auto wire = first(sink(), message({{"subject", "s"}, {"text", "t"}}));
    const auto state = [&](Fault fault) {
        Response answer;
        answer.fault = fault;
        answer.error = "e";
        Step step = wire->then(answer);
        return std::get<Outcome>(step).state;
    };
    EXPECT_EQ(state(Fault::refused), Outcome::State::dead);
    EXPECT_EQ(state(Fault::login), Outcome::State::dead);
    EXPECT_EQ(state(Fault::cut), Outcome::State::retry);
    EXPECT_EQ(state(Fault::tls), Outcome::State::retry);
}

TEST(Smtp, SinksThatCannotWork) {
    const auto with = [](const std::string &url, const nlohmann::json &options) {
        Sink one = sink();
        one.url = url;
        one.options = options;
        return problem([&] { kKind.check_sink(one); });
    };
    EXPECT_EQ(with("smtp://h:587", {{"from", "a@b"}}), "none");
    EXPECT_EQ(with("smtps://h", {{"from", "a@b"}}), "none");
    EXPECT_EQ(with("smtp://127.0.0.1:25", {{"tls", "none"}}), "none");
    EXPECT_EQ(with("smtp://[::1]:25", {{"tls", "none"}}), "none");
    EXPECT_TRUE(with("smtp://h", {{"tls", "none"}}).starts_with("22023"));
    EXPECT_TRUE(with("smtp://127.0.0.1.evil.org", {{"tls", "none"}}).starts_with("22023"));
    EXPECT_TRUE(with("smtp://h", {{"tls", "tls"}}).starts_with("22023"));
    EXPECT_TRUE(with("smtps://h", {{"tls", "starttls"}}).starts_with("22023"));
    EXPECT_TRUE(with("http://h", nlohmann::json::object()).starts_with("22023"));
    EXPECT_TRUE(with("smtp://h", {{"from", "nobody"}}).starts_with("22023"));
    EXPECT_TRUE(with("smtp://h", {{"to", {1}}}).starts_with("22023"));
}

TEST(Smtp, MessagesThatCannotBeSent) {
    const auto with = [](const nlohmann::json &body) {
        return problem([&] { kKind.check_message(sink(), message(body)); });
    };
    EXPECT_EQ(with({{"subject", "s"}, {"text", "t"}}), "none");
    EXPECT_EQ(with({{"subject", "s"}}), "22023 an e-mail needs text, html or content");
    EXPECT_EQ(with({{"text", "t"}}), "22023 an e-mail needs a subject");
    EXPECT_EQ(with({{"subject", "s"}, {"body", "t"}}), "22023 an e-mail has no \"body\"");
    EXPECT_EQ(with({{"subject", "s\nBcc: x@y"}, {"text", "t"}}),
              "22023 the subject of an e-mail holds a control character");
    EXPECT_TRUE(with({{"subject", "s"}, {"text", "t"}, {"to", 1}}).starts_with("22023"));
    nlohmann::json crowd = nlohmann::json::array();
    for (int i = 0; i < 101; ++i) crowd.push_back("u" + std::to_string(i) + "@x.org");
    EXPECT_EQ(with({{"subject", "s"}, {"text", "t"}, {"to", crowd}}),
              "22023 an e-mail has 1 to 100 recipients, not 101");
}

TEST(Smtp, OneSecretIsNotEnough) {
    Sink one = sink();
    one.secret = {{"username", "u"}};
    EXPECT_TRUE(problem([&] {
                    (void)first(one, message({{"subject", "s"}, {"text", "t"}}));
                }).starts_with("22023"));
}

}  // namespace
}  // namespace kpi::net::smtp
