// pushgateway: replaces or drops one group of a Prometheus Pushgateway.
//
// The message is {"metrics": [...]}, see net/exposition.hpp, and optionally "job" (else option job,
// else kpi_ext) and "grouping", an object of label values. PUT replaces the whole group, so that a
// series that is no longer sent disappears; sending it again changes nothing. {"delete": true}
// drops the group. A Pushgateway forgets nothing by itself: alert on push_time_seconds too.
// Option user and secret password: HTTP basic. Secret token: a bearer token.
#include <fmt/format.h>

#include "core/error.hpp"
#include "net/sink/kind.hpp"
#include "net/sink/pushgateway/exposition.hpp"

namespace kpi::net::pushgateway {
namespace {

using nlohmann::json;

struct Group {
    std::string path;
    bool drop = false;
    std::string text;
};

Group group_of(const Sink &sink, const Message &message) {
    if (message.content)
        throw Error("22023", "a pushgateway sink takes no content", {},
                    "Give a message with \"metrics\".");
    const json body = parsed(message);
    for (const auto &[key, value] : body.items())
        if (key != "job" && key != "grouping" && key != "metrics" && key != "delete")
            throw Error(
                "22023",
                fmt::format("the message of a pushgateway sink has no \"{}\"", excerpt(key)), {},
                "It has metrics, job, grouping and delete.");
    const json job = body.value("job", json(text_option(sink, "job", "kpi_ext")));
    if (!job.is_string()) throw Error("22023", "the job of a message must be a text");
    const json grouping = body.value("grouping", json::object());
    const json drop = body.value("delete", json(false));
    if (!drop.is_boolean()) throw Error("22023", "\"delete\" must be true or false");
    Group group;
    group.path = group_path(job.get<std::string>(), grouping);
    group.drop = drop.get<bool>();
    if (group.drop == body.contains("metrics"))
        throw Error("22023", "the message of a pushgateway sink needs either metrics or delete", {},
                    "\"metrics\": [] removes the metrics, \"delete\": true the group as well.");
    if (!group.drop) group.text = exposition(body["metrics"], grouping);
    return group;
}

void check_sink(const Sink &sink) {
    if (sink.url.find_first_of("?#") != std::string::npos)
        throw Error("22023", "the URL of a pushgateway has no query and no fragment");
    (void)text_option(sink, "user");
    (void)group_path(text_option(sink, "job", "kpi_ext"), json::object());
}

void check_message(const Sink &sink, const Message &message) { (void)group_of(sink, message); }

Step deliver(const Sink &sink, const Message &message) {
    Group group = group_of(sink, message);
    Request request;
    request.url = sink.url.substr(0, sink.url.find_last_not_of('/') + 1) + group.path;
    request.method = group.drop ? "DELETE" : "PUT";
    if (!group.drop) {
        request.headers.emplace_back("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
        request.body = std::move(group.text);
    }
    request.user = text_option(sink, "user");
    request.password = secret(sink, "password");
    if (const std::string token = secret(sink, "token"); !token.empty())
        request.headers.emplace_back("Authorization", "Bearer " + token);
    return exchange(std::move(request), [now = message.unix_time](const Response &answer) -> Step {
        return judge(answer, now);
    });
}

// Leaves nothing behind, as a pushed metric would.
Message test_message(const Sink &) {
    Message message;
    message.body = json{{"job", "kpi_ext_test"}, {"delete", true}}.dump();
    return message;
}

}  // namespace

const Kind kKind = {
    .name = "pushgateway",
    .url_is_secret = false,
    .needs_url = true,
    .options = {"job", "user"},
    .secrets = {"password", "token"},
    .check_sink = check_sink,
    .check_message = check_message,
    .deliver = deliver,
    .test_message = test_message,
};

}  // namespace kpi::net::pushgateway
