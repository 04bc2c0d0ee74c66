// Single answers of Slack; whole conversations are in test/wire/test_slack.py.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "net/sink/kind.hpp"

namespace kpi::net::slack {
namespace {

using nlohmann::json;

class Slack : public testing::Test {
protected:
    void SetUp() override {
        bot_.secret["token"] = "xoxb-canary";
        bot_.options["channel"] = "C1";
        webhook_.url = "https://hooks.example/services/canary";
    }
    static Message message(const json &body) {
        Message made;
        made.body = body.dump();
        made.unix_time = 1'800'000'000;
        return made;
    }
    static std::unique_ptr<Exchange> first(const Sink &sink, const Message &message) {
        kKind.check_message(sink, message);
        Step step = kKind.deliver(sink, message);
        return std::move(std::get<std::unique_ptr<Exchange>>(step));
    }
    static json sent(const Exchange &exchange) { return json::parse(exchange.request.body); }
    static Response answer(int status, const std::string &body) {
        Response made;
        made.status = status;
        made.body = body;
        return made;
    }
    Outcome outcome(const Sink &sink, const Response &given) {
        Outcome found = std::get<Outcome>(first(sink, message({{"text", "a"}}))->then(given));
        EXPECT_EQ(found.error.find("canary"), std::string::npos) << found.error;
        return found;
    }

    Sink bot_, webhook_;
};

using State = Outcome::State;

TEST_F(Slack, TextIsSentAsItIsAndPlainIsEscaped) {
    EXPECT_EQ(sent(*first(webhook_, message({{"text", "<https://x.example|a> *b*"}})))["text"],
              "<https://x.example|a> *b*");
    EXPECT_EQ(sent(*first(webhook_, message({{"plain", "<!channel> R&D"}})))["text"],
              "&lt;!channel&gt; R&amp;D");
    const json cut = sent(*first(webhook_, message({{"plain", std::string(5000, '&')}})))["text"];
    EXPECT_EQ(cut.get<std::string>().size(), 799 * 5 + 3u);
}

TEST_F(Slack, ABotPostsWithItsTokenAndKeepsTheReference) {
    const auto exchange = first(bot_, message({{"text", "a"}, {"unfurl_links", false}}));
    EXPECT_EQ(exchange->request.url, "https://slack.com/api/chat.postMessage");
    EXPECT_EQ(exchange->request.headers.at(1).second, "Bearer xoxb-canary");
    EXPECT_EQ(sent(*exchange), (json{{"channel", "C1"}, {"text", "a"}, {"unfurl_links", false}}));
    const Outcome done =
        std::get<Outcome>(exchange->then(answer(200, R"({"ok":true,"channel":"C1","ts":"1.2"})")));
    EXPECT_EQ(done.state, State::delivered);
    EXPECT_EQ(done.result, (json{{"channel", "C1"}, {"ts", "1.2"}}));
}

TEST_F(Slack, EditsAndAnswersTheMessageItRefersTo) {
    Message edit = message({{"text", "new"}, {"edit", "report-1"}, {"channel", "C2"}});
    edit.reference = {{"channel", "C9"}, {"ts", "1.2"}};
    auto exchange = first(bot_, edit);
    EXPECT_EQ(exchange->request.url, "https://slack.com/api/chat.update");
    EXPECT_EQ(sent(*exchange),
              (json{{"channel", "C9"}, {"ts", "1.2"}, {"text", "new"}, {"blocks", json::array()}}));
    Message thread = message({{"text", "new"}, {"thread", 7}});
    thread.reference = edit.reference;
    exchange = first(bot_, thread);
    EXPECT_EQ(sent(*exchange), (json{{"channel", "C9"}, {"thread_ts", "1.2"}, {"text", "new"}}));
}

TEST_F(Slack, PostsAnewWithoutAMessageToEdit) {
    const json body = {{"text", "new"}, {"edit", "report-1"}};
    auto exchange = first(bot_, message(body));
    EXPECT_EQ(exchange->request.url, "https://slack.com/api/chat.postMessage");
    Message edit = message(body);
    edit.reference = {{"channel", "C9"}, {"ts", "1.2"}};
    Step next = first(bot_, edit)->then(answer(200, R"({"ok":false,"error":"message_not_found"})"));
    const Exchange &anew = *std::get<std::unique_ptr<Exchange>>(next);
    EXPECT_EQ(anew.request.url, "https://slack.com/api/chat.postMessage");
    EXPECT_EQ(sent(anew), (json{{"channel", "C1"}, {"text", "new"}}));
    // what an upload leaves has no ts
    edit.reference = {{"channel", "C9"}, {"file", "F1"}};
    EXPECT_EQ(sent(*first(bot_, edit))["channel"], "C1");
}

TEST_F(Slack, FaultsOfSlackItselfAreTriedAgain) {
    for (const char *fault :
         {"ratelimited", "internal_error", "fatal_error", "service_unavailable"}) {
        Response given = answer(200, json{{"ok", false}, {"error", fault}}.dump());
        given.headers["retry-after"] = "30";
        const Outcome found = outcome(bot_, given);
        EXPECT_EQ(found.state, State::retry) << fault;
        EXPECT_EQ(found.retry_after, 30);
        EXPECT_EQ(found.receiver_down, std::string(fault) != "ratelimited");
        EXPECT_EQ(found.error, std::string("Slack answered ") + fault);
    }
    EXPECT_EQ(outcome(bot_, answer(429, R"({"ok":false,"error":"ratelimited"})")).state,
              State::retry);
    EXPECT_EQ(outcome(bot_, answer(503, "busy")).state, State::retry);
}

TEST_F(Slack, OtherFaultsAreFinalAndNamed) {
    const Outcome scope =
        outcome(bot_, answer(200, R"({"ok":false,"error":"missing_scope","needed":"chat:write"})"));
    EXPECT_EQ(scope.state, State::dead);
    EXPECT_EQ(scope.error, "Slack answered missing_scope; the token needs chat:write");
    const Outcome blocks = outcome(bot_, answer(200, R"({"ok":false,"error":"invalid_blocks",
        "response_metadata":{"messages":["[ERROR] unsupported type"]}})"));
    EXPECT_EQ(blocks.error, "Slack answered invalid_blocks: [ERROR] unsupported type");
    for (const char *body : {"", "<html>", "[]", "{}", R"({"ok":"yes"})", R"({"ok":false})",
                             R"({"ok":false,"error":5,"response_metadata":5})"})
        EXPECT_EQ(outcome(bot_, answer(200, body)).state, State::dead) << body;
}

TEST_F(Slack, AWebhookIsDeliveredByOkAlone) {
    EXPECT_EQ(outcome(webhook_, answer(200, "ok")).state, State::delivered);
    EXPECT_EQ(outcome(webhook_, answer(200, "<html>log in</html>")).state, State::dead);
    const Outcome gone = outcome(webhook_, answer(404, "no_service"));
    EXPECT_EQ(gone.state, State::dead);
    EXPECT_EQ(gone.error, "the receiver answered 404: no_service");
    EXPECT_EQ(outcome(webhook_, answer(500, "rollup_error")).state, State::retry);
}

TEST_F(Slack, NoBytesGoFromAnEncryptedConnectionToAnOpenOne) {
    Message file = message({{"text", "report"}});
    file.content = "bytes";
    file.object_key = "reports/june & july.csv";
    auto exchange = first(bot_, file);
    EXPECT_EQ(exchange->request.body, "filename=june%20%26%20july.csv&length=5");
    const Outcome odd = std::get<Outcome>(exchange->then(
        answer(200, R"({"ok":true,"upload_url":"http://files.example/x","file_id":"F1"})")));
    EXPECT_EQ(odd.state, State::dead);
    EXPECT_EQ(odd.error.find("files.example"), std::string::npos);
}

TEST_F(Slack, RefusesMessagesItCannotSend) {
    for (const json &body :
         {json::object(), json{{"text", ""}}, json{{"text", "a"}, {"plain", "b"}},
          json{{"text", 5}}, json{{"text", "a"}, {"colour", "b"}},
          json{{"text", "a"}, {"edit", 1}, {"thread", 1}},
          json{{"text", "a"}, {"edit", json::array()}}, json{{"text", "a"}, {"blocks", 5}},
          json{{"text", "a"}, {"unfurl_links", "no"}}}) {
        EXPECT_THROW(kKind.check_message(bot_, message(body)), Error) << body;
        EXPECT_THROW(kKind.check_message(webhook_, message(body)), Error) << body;
    }
    const Message elsewhere = message({{"text", "a"}, {"channel", "C2"}});
    EXPECT_THROW(kKind.check_message(webhook_, elsewhere), Error);
    EXPECT_NO_THROW(kKind.check_message(bot_, elsewhere));
    bot_.options = json::object();
    EXPECT_THROW(kKind.check_message(bot_, message({{"text", "a"}})), Error);
    bot_.options["channel"] = "C1";
    Message file = message({{"text", "a"}});
    file.content = "x";
    EXPECT_THROW(kKind.check_message(bot_, file), Error) << "no name";
    file.object_key = "a/b.csv";
    EXPECT_NO_THROW(kKind.check_message(bot_, file));
    EXPECT_THROW(kKind.check_message(webhook_, file), Error);
    file.content = "";
    EXPECT_THROW(kKind.check_message(bot_, file), Error);
}

TEST_F(Slack, ASinkIsAWebhookOrABot) {
    EXPECT_NO_THROW(kKind.check_sink(bot_));
    EXPECT_NO_THROW(kKind.check_sink(webhook_));
    webhook_.secret["token"] = "x";
    EXPECT_THROW(kKind.check_sink(webhook_), Error);
    EXPECT_THROW(kKind.check_sink(Sink()), Error);
    bot_.options["api"] = "slack.com";
    EXPECT_THROW(kKind.check_sink(bot_), Error);
}

}  // namespace
}  // namespace kpi::net::slack
