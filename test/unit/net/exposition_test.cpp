#include "net/sink/pushgateway/exposition.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "net/sink/kind.hpp"

namespace kpi::net::pushgateway {
namespace {

using nlohmann::json;

const json kNothing = json::object();

json gauge(const std::string &name, json samples) {
    return {{"name", name}, {"type", "gauge"}, {"help", "h"}, {"samples", std::move(samples)}};
}

std::string hint_or_text(const json &metrics, const json &grouping = kNothing) {
    try {
        return exposition(metrics, grouping);
    } catch (const Error &error) {
        EXPECT_EQ(error.sqlstate, "22023");
        return "error: " + error.message;
    }
}

TEST(Exposition, WritesHelpTypeAndSamples) {
    const json metrics = json::parse(R"([
        {"name": "kpi_revenue", "type": "gauge", "help": "back\\slash\nline \"quoted\"",
         "samples": [{"value": 1.5}, {"labels": {"b": "x\"y", "a": "M\u00e9xico\\\n"}, "value": -3},
                     {"labels": {"a": "z", "b": ""}, "value": "NaN"}]},
        {"name": "kpi:orders_total", "type": "counter", "help": "h",
         "samples": [{"labels": {}, "value": 1e21}]}])");
    EXPECT_EQ(hint_or_text(metrics),
              "# HELP kpi_revenue back\\\\slash\\nline \"quoted\"\n"
              "# TYPE kpi_revenue gauge\n"
              "kpi_revenue 1.5\n"
              "kpi_revenue{a=\"M\xC3\xA9xico\\\\\\n\",b=\"x\\\"y\"} -3\n"
              "kpi_revenue{a=\"z\"} NaN\n"
              "# HELP kpi:orders_total h\n"
              "# TYPE kpi:orders_total counter\n"
              "kpi:orders_total 1e+21\n");
    EXPECT_EQ(exposition(json::array(), kNothing), "");
}

TEST(Exposition, NumbersKeepEveryDigit) {
    const json metrics = {gauge("a", json::parse(R"([{"value": 0.1234567890123456}])")),
                          gauge("b", json::parse(R"([{"value": 9007199254740993}])"))};
    const std::string text = hint_or_text(metrics);
    EXPECT_NE(text.find("\na 0.1234567890123456\n"), std::string::npos) << text;
    EXPECT_NE(text.find("\nb 9007199254740993\n"), std::string::npos) << text;
}

TEST(Exposition, RefusesWhatTheReceiverWould) {
    const json one = json::parse(R"([{"value": 1}])");
    for (const char *name : {"1a", "a-b", "a b", "\u00e9", "push_time_seconds"})
        EXPECT_THROW(exposition({gauge(name, one)}, kNothing), Error) << name;
    for (const char *label : {"1a", "a:b", "__name__", "", "a-b", "job"})
        EXPECT_THROW(
            exposition({gauge("a", {{{"labels", {{label, "v"}}}, {"value", 1}}})}, kNothing), Error)
            << label;
    for (const char *type : {"Gauge", "histogram", "summary", ""}) {
        json metric = gauge("a", one);
        metric["type"] = type;
        EXPECT_THROW(exposition(json::array({metric}), kNothing), Error) << type;
    }
    for (const char *key : {"name", "type", "help", "samples"}) {
        json metric = gauge("a", one);
        metric.erase(key);
        EXPECT_THROW(exposition(json::array({metric}), kNothing), Error) << key;
    }
    for (const char *sample :
         {R"({})", R"({"value": null})", R"({"value": "1"})", R"({"value": true})",
          R"({"value": 1, "timestamp": 5})", R"({"value": 1, "labels": {"a": 1}})", R"(5)",
          R"({"value": 1, "labels": []})"})
        EXPECT_THROW(
            exposition(json::array({gauge("a", json::array({json::parse(sample)}))}), kNothing),
            Error)
            << sample;
}

TEST(Exposition, RefusesTwoSamplesOfOneSeries) {
    const json same = json::parse(
        R"([{"labels": {"a": "x", "b": ""}, "value": 1}, {"labels": {"a": "x"}, "value": 2}])");
    EXPECT_NE(hint_or_text(json::array({gauge("m", same)})).find("two samples of one series"),
              std::string::npos);
    const json one = json::parse(R"([{"value": 1}])");
    EXPECT_NE(hint_or_text(json::array({gauge("m", one), gauge("m", one)})).find("twice"),
              std::string::npos);
}

TEST(Exposition, RefusesALabelThatTheGroupingWouldReplace) {
    const json metrics =
        json::array({gauge("m", json::parse(R"([{"labels": {"instance": "x"}, "value": 1}])"))});
    EXPECT_EQ(hint_or_text(metrics, {{"instance", "y"}}),
              "error: label \"instance\" is in the grouping too");
    EXPECT_EQ(hint_or_text(metrics).substr(0, 6), "# HELP");
}

TEST(Exposition, PathOfAGroup) {
    EXPECT_EQ(group_path("kpi_ext", {{"instance", "db-1.example"}, {"env", "prod"}}),
              "/metrics/job/kpi_ext/env/prod/instance/db-1.example");
    EXPECT_EQ(group_path("a/b", {{"e", ""}, {"m", "M\xC3\xA9xico"}, {"up", ".."}}),
              "/metrics/job@base64/YS9i/e@base64/=/m@base64/TcOpeGljbw/up@base64/Li4");
    EXPECT_THROW(group_path("", kNothing), Error);
    EXPECT_THROW(group_path("j", {{"job", "x"}}), Error);
    EXPECT_THROW(group_path("j", {{"__x", "x"}}), Error);
    EXPECT_THROW(group_path("j", {{"x", 1}}), Error);
}

class Pushgateway : public testing::Test {
protected:
    static Request request(const Sink &sink, const char *body) {
        Message message;
        message.body = body;
        kKind.check_message(sink, message);
        Step step = kKind.deliver(sink, message);
        return std::get<std::unique_ptr<Exchange>>(step)->request;
    }
    void SetUp() override { sink_.url = "http://host:9091/prefix/"; }
    Sink sink_;
};

TEST_F(Pushgateway, PutsAWholeGroup) {
    const Request put = request(sink_, R"({"grouping": {"env": "x"}, "metrics": [
        {"name": "m", "type": "gauge", "help": "h", "samples": [{"value": 1}]}]})");
    EXPECT_EQ(put.method, "PUT");
    EXPECT_EQ(put.url, "http://host:9091/prefix/metrics/job/kpi_ext/env/x");
    EXPECT_EQ(put.body, "# HELP m h\n# TYPE m gauge\nm 1\n");
    EXPECT_EQ(put.headers.at(0).second, "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(Pushgateway, DropsAGroup) {
    sink_.options = {{"job", "nightly"}, {"user", "u"}};
    sink_.secret = {{"password", "p"}, {"token", "t"}};
    const Request drop = request(sink_, R"({"delete": true})");
    EXPECT_EQ(drop.method, "DELETE");
    EXPECT_EQ(drop.url, "http://host:9091/prefix/metrics/job/nightly");
    EXPECT_TRUE(drop.body.empty());
    EXPECT_EQ(drop.user, "u");
    EXPECT_EQ(drop.password, "p");
    EXPECT_EQ(drop.headers, (Headers{{"Authorization", "Bearer t"}}));
}

TEST_F(Pushgateway, RefusesMessagesItCannotUse) {
    for (const char *body : {"{}", R"({"delete": false})", R"({"delete": true, "metrics": []})",
                             R"({"metrics": {}})", R"({"metrics": [], "jobs": "x"})",
                             R"({"metrics": [], "job": 5})", R"({"metrics": [], "grouping": []})"})
        EXPECT_THROW(request(sink_, body), Error) << body;
    sink_.url = "http://host/?x";
    EXPECT_THROW(kKind.check_sink(sink_), Error);
}

TEST_F(Pushgateway, ARefusedPushIsFinalAndSaysWhy) {
    Message message;
    message.body = R"({"delete": true})";
    Step step = kKind.deliver(sink_, message);
    Response answer;
    answer.status = 400;
    answer.body = "pushed metrics are invalid";
    const Outcome outcome =
        std::get<Outcome>(std::get<std::unique_ptr<Exchange>>(step)->then(answer));
    EXPECT_EQ(outcome.state, Outcome::State::dead);
    EXPECT_NE(outcome.error.find("pushed metrics are invalid"), std::string::npos);
}

}  // namespace
}  // namespace kpi::net::pushgateway
