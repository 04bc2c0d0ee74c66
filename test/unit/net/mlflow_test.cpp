// Messages and single answers; whole conversations are in test/wire/test_mlflow.py.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "net/sink/kind.hpp"
#include "net/sink/mlflow/report.hpp"

namespace kpi::net::mlflow {
namespace {

using nlohmann::json;
using State = Outcome::State;

class Mlflow : public testing::Test {
protected:
    void SetUp() override { sink_.url = "https://mlflow.example/prefix/"; }
    static Message message(const json &body) {
        Message made;
        made.body = body.dump();
        made.idempotency_key = "key-1";
        made.unix_time = 1'800'000'000;
        return made;
    }
    static MlflowReport report(const json &body) { return mlflow_report(message(body)); }
    std::string state(const json &body) const {
        try {
            kKind.check_message(sink_, message(body));
        } catch (const Error &error) {
            EXPECT_FALSE(error.message.empty());
            return error.sqlstate;
        }
        return "none";
    }
    static Step answered(const Step &step, int status, const json &body) {
        Response answer;
        answer.status = status;
        answer.body = body.is_string() ? body.get<std::string>() : body.dump();
        return std::get<std::unique_ptr<Exchange>>(step)->then(answer);
    }
    static const Request &asked(const Step &step) {
        return std::get<std::unique_ptr<Exchange>>(step)->request;
    }
    // Up to the search for the run.
    Step searching(const json &body) const {
        return answered(kKind.deliver(sink_, message(body)), 200,
                        {{"experiment", {{"experiment_id", "7"}, {"lifecycle_stage", "active"}}}});
    }
    static json run(const std::string &status, const json &tags) {
        return {{"info", {{"run_id", "r1"}, {"status", status}, {"start_time", 5000}}},
                {"data", {{"tags", tags}}}};
    }
    static json tag(std::string_view key, std::string_view value) {
        return {{"key", key}, {"value", value}};
    }
    Sink sink_;
};

TEST_F(Mlflow, ReadsAMessage) {
    const MlflowReport made =
        report({{"report_key", "june"},
                {"start_time", "2026-06-30T22:00:00.0015+02:00"},
                {"end_time", 1'800'000'000'123},
                {"metrics", {{"b", "NaN"}, {"a", 1}, {"gap", nullptr}}},
                {"params", {{"days", 30}, {"final", true}, {"gap", nullptr}, {"name", "x"}}}});
    EXPECT_EQ(made.start_time, 1'782'849'600'001);
    EXPECT_EQ(made.end_time, 1'800'000'000'123);
    EXPECT_EQ(made.status, "FINISHED");
    EXPECT_EQ(json(made.metrics), json::parse(R"([{"key": "a", "value": 1.0, "step": 0},
                                                  {"key": "b", "value": "NaN", "step": 0}])"));
    EXPECT_EQ(json(made.params), json({tag("days", "30"), tag("final", "true"), tag("name", "x")}));
    EXPECT_EQ(report(json::object()).key, "key-1");
    const json points = {{{"key", "a"}, {"value", 2}, {"step", -1}, {"timestamp", "1970-01-02"}},
                         {{"key", "a"}, {"value", nullptr}}};
    EXPECT_EQ(json(report({{"metrics", points}}).metrics),
              json::parse(R"([{"key": "a", "value": 2.0, "step": -1, "timestamp": 86400000}])"));
}

TEST_F(Mlflow, RefusesWhatTheServerWould) {
    EXPECT_EQ(state(json::object()), "none");
    const std::string long_name(251, 'x');
    for (const json &body :
         {json{{"metric", 1}},
          json{{"metrics", 1}},
          json{{"metrics", {{"a", true}}}},
          json{{"metrics", {{"a", "1"}}}},
          json{{"metrics", json::array({1})}},
          json{{"metrics", json::array({{{"key", "a"}}})}},
          json{{"metrics", json::array({{{"key", "a"}, {"value", 1}, {"at", 1}}})}},
          json{{"metrics", json::array({{{"key", "a"}, {"value", 1}, {"step", 0.5}}})}},
          json{{"metrics", json::array({{{"key", "a"}, {"value", 1}, {"timestamp", -1}}})}},
          json{{"metrics", {{long_name, 1}}}},
          json{{"params", {{"a", json::array()}}}},
          json{{"params", 1}},
          json{{"params", {{"a", std::string(6001, 'x')}}}},
          json{{"tags", {{"a", std::string(8001, 'x')}}}},
          json{{"tags", {{"kpi.report_key", "x"}}}},
          json{{"tags", {{"kpi.logged", "x"}}}},
          json{{"report_key", "both ' and \""}},
          json{{"report_key", long_name}},
          json{{"report_key", 5}},
          json{{"run_name", long_name}},
          json{{"status", "RUNNING"}},
          json{{"start_time", "yesterday"}},
          json{{"start_time", -1}},
          json{{"end_time", 1.5}}})
        EXPECT_EQ(state(body), "22023") << body.dump().substr(0, 80);
    // characters, not bytes
    std::string wide;
    for (int at = 0; at < 250; ++at) wide += "é";
    EXPECT_EQ(state({{"metrics", {{wide, 1}}}, {"report_key", wide}}), "none");
}

TEST_F(Mlflow, NamesReadAsPaths) {
    for (const char *name : {"a", "a b", "a/b:c-d_e.f", " a", ".a", "größe", "a..b", "a/...b"})
        EXPECT_EQ(state({{"metrics", {{name, 1}}}}), "none") << name;
    for (const char *name : {"", ".", "..", "../a", "..a", "/a", "a/", "a//b", "a/./b", "a/../b",
                             "a\"b", "a@b", "a\n", "a\\b"}) {
        EXPECT_EQ(state({{"metrics", {{name, 1}}}}), "22023") << name;
        EXPECT_EQ(state({{"params", {{name, 1}}}}), "22023") << name;
        EXPECT_EQ(state({{"tags", {{name, 1}}}}), "22023") << name;
    }
    Message file = message(json::object());
    file.content = "x";
    for (const char *name : {"", "../a", "/a", "a//b", "a\\b", "a#b", "a%2Fb"}) {
        file.object_key = name;
        EXPECT_THROW(kKind.check_message(sink_, file), Error) << name;
    }
    file.object_key = "reports/june (1).csv";
    EXPECT_NO_THROW(kKind.check_message(sink_, file));
}

TEST_F(Mlflow, SearchesWithTheQuoteThatTheKeyDoesNotHold) {
    EXPECT_EQ(mlflow_filter("say \"x\""), "tags.`kpi.report_key` = 'say \"x\"'");
    EXPECT_EQ(mlflow_filter("it's"), "tags.`kpi.report_key` = \"it's\"");
}

TEST_F(Mlflow, BatchesKeepTheLimitsAndLoseNothing) {
    json metrics, params, tags;
    for (int at = 0; at < 2500; ++at) metrics["m" + std::to_string(at)] = at;
    for (int at = 0; at < 250; ++at) params["p" + std::to_string(at)] = std::string(6000, 'x');
    for (int at = 0; at < 120; ++at) tags["t" + std::to_string(at)] = std::string(8000, 'x');
    const MlflowReport made = report({{"metrics", metrics}, {"params", params}, {"tags", tags}});
    const auto bodies = mlflow_batches(made, "r1", 5000, "key-1");
    EXPECT_EQ(bodies, mlflow_batches(made, "r1", 5000, "key-1"));
    json held = {{"metrics", json::object()}, {"params", json::object()}, {"tags", json::object()}};
    for (size_t at = 0; at < bodies.size(); ++at) {
        const json body = json::parse(bodies[at]);
        EXPECT_LE(bodies[at].size(), 1'000'000u);
        EXPECT_LE(body["metrics"].size(), 1000u);
        EXPECT_LE(body["params"].size(), 100u);
        EXPECT_LE(body["tags"].size(), 100u);
        EXPECT_LE(body["metrics"].size() + body["params"].size() + body["tags"].size(), 1000u);
        EXPECT_EQ(body["tags"].back(), tag("kpi.logged", std::to_string(at + 1) + " key-1"));
        for (const char *list : {"metrics", "params", "tags"})
            for (const json &item : body[list])
                if (item["key"] != "kpi.logged") {
                    EXPECT_FALSE(held[list].contains(item["key"].get<std::string>()));
                    held[list][item["key"].get<std::string>()] = item["value"];
                }
        for (const json &item : body["metrics"]) EXPECT_EQ(item["timestamp"], 5000);
    }
    EXPECT_EQ(held, (json{{"metrics", metrics}, {"params", params}, {"tags", tags}}));
    for (json &text : params) text = "x";
    const MlflowReport dense = report({{"metrics", metrics}, {"params", params}});
    EXPECT_EQ(mlflow_batches(dense, "r1", 5000, "key-1").size(), 3u) << "each as full as it may be";
    EXPECT_TRUE(mlflow_batches(report(json::object()), "r1", 5000, "key-1").empty());
}

TEST_F(Mlflow, CountsItsOwnBatchesOnly) {
    EXPECT_EQ(mlflow_logged("2 key-1", "key-1"), 2u);
    for (const char *text : {"", "2", "2 ", "x key-1", "2 key-2", "2  key-1", "-1 key-1"})
        EXPECT_EQ(mlflow_logged(text, "key-1"), 0u) << text;
}

TEST_F(Mlflow, AReportWhoseRunCouldNotBeReadBackIsRefused) {
    json params;
    for (int at = 0; at < 200; ++at) params["p" + std::to_string(at)] = std::string(6000, 'x');
    EXPECT_EQ(state({{"params", params}}), "22023");
    sink_.options["response_bytes"] = 4 << 20;
    EXPECT_EQ(state({{"params", params}}), "none");
}

TEST_F(Mlflow, GoesOnWhereItsLastBatchEnded) {
    json params;
    for (int at = 0; at < 250; ++at) params["p" + std::to_string(at)] = "x";
    const json body = {{"report_key", "june"}, {"params", params}};
    for (const int done : {0, 1, 2}) {
        const json tags = {tag("kpi.report_key", "june"),
                           tag("kpi.logged", std::to_string(done) + " key-1")};
        const Step next =
            answered(searching(body), 200, {{"runs", json::array({run("RUNNING", tags)})}});
        EXPECT_EQ(asked(next).url, "https://mlflow.example/prefix/api/2.0/mlflow/runs/log-batch");
        EXPECT_TRUE(asked(next).once);
        EXPECT_EQ(json::parse(asked(next).body)["tags"].back()["value"],
                  std::to_string(done + 1) + " key-1");
    }
    const json tags = {tag("kpi.report_key", "june"), tag("kpi.logged", "3 key-1")};
    const Step last =
        answered(searching(body), 200, {{"runs", json::array({run("RUNNING", tags)})}});
    EXPECT_EQ(asked(last).url, "https://mlflow.example/prefix/api/2.0/mlflow/runs/update");
}

TEST_F(Mlflow, NeverWritesIntoARunOfAnotherKey) {
    const json runs = {
        {"runs", json::array({run("RUNNING", json::array({tag("kpi.report_key", "June")}))})}};
    const Outcome outcome =
        std::get<Outcome>(answered(searching({{"report_key", "june"}}), 200, runs));
    EXPECT_EQ(outcome.state, State::dead);
    const json ended = {
        {"runs", json::array({run("KILLED", json::array({tag("kpi.report_key", "june")}))})}};
    const Outcome done =
        std::get<Outcome>(answered(searching({{"report_key", "june"}}), 200, ended));
    EXPECT_EQ(done.state, State::delivered);
    EXPECT_EQ(done.result, (json{{"run_id", "r1"}, {"experiment_id", "7"}}));
}

TEST_F(Mlflow, OddAnswersAreFinal) {
    for (const json &odd :
         {json("<html>"), json::array(), json{{"runs", 5}}, json{{"runs", json::array({5})}},
          json{{"runs", json::array({{{"data", {{"tags", 5}}}}})}},
          json{{"runs", json::array({{{"data", 5}, {"info", 5}}})}}}) {
        const Step step = answered(searching({{"report_key", "june"}}), 200, odd);
        EXPECT_EQ(std::get<Outcome>(step).state, State::dead) << odd;
    }
    for (const json &odd :
         {json(""), json::object(), json{{"run", 5}}, json{{"run", {{"info", 5}}}}}) {
        const Step step =
            answered(answered(searching(json::object()), 200, json::object()), 200, odd);
        EXPECT_EQ(std::get<Outcome>(step).state, State::dead) << odd;
    }
}

TEST_F(Mlflow, ASinkHasATrackingUriAndOneLogin) {
    const auto state_of = [](const std::string &url, const json &secret, const json &options) {
        Sink made;
        made.url = url;
        made.secret = secret;
        made.options = options;
        try {
            kKind.check_sink(made);
        } catch (const Error &error) {
            return error.sqlstate;
        }
        return std::string("none");
    };
    const json none = json::object();
    EXPECT_EQ(state_of("HTTP://mlflow:5000", none, none), "none");
    EXPECT_EQ(state_of("https://m", {{"username", "a"}, {"password", "b"}}, none), "none");
    EXPECT_EQ(state_of("https://m", {{"token", "a"}}, {{"restore", true}}), "none");
    for (const char *url : {"databricks", "file:///mlruns", "sqlite:///m.db", "https://m?a=b", ""})
        EXPECT_EQ(state_of(url, none, none), "22023") << url;
    EXPECT_EQ(state_of("https://m", {{"username", "a"}}, none), "22023");
    EXPECT_EQ(state_of("https://m", {{"password", "a"}}, none), "22023");
    EXPECT_EQ(state_of("https://m", {{"username", "a"}, {"password", "b"}, {"token", "c"}}, none),
              "22023");
    EXPECT_EQ(state_of("https://m", none, {{"restore", "yes"}}), "22023");
    EXPECT_EQ(state_of("https://m", none, {{"experiment", ""}}), "22023");
    EXPECT_EQ(state_of("https://m", none, {{"experiment", std::string(501, 'x')}}), "22023");
    EXPECT_NO_THROW(kKind.check_message(sink_, kKind.test_message(sink_)));
}

}  // namespace
}  // namespace kpi::net::mlflow
