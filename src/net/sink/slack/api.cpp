#include "net/sink/slack/api.hpp"

#include <fmt/format.h>

#include "net/text/text.hpp"

namespace kpi::net::slack {
namespace {

using nlohmann::json;

bool passes(std::string_view fault) {
    return fault == "ratelimited" || fault == "rate_limited" || fault == "internal_error" ||
           fault == "fatal_error" || fault == "service_unavailable" || fault == "request_timeout";
}

// {"channel", "file"}, and "ts" of the message that shows the file where Slack tells it: it shares
// files by and by, and tells in "shares" only what has come to be when it answers.
json shared_file(const json &said, const std::string &channel, const std::string &file) {
    json result = {{"channel", channel}, {"file", file}};
    for (const char *kind : {"public", "private"}) {
        const json::json_pointer at =
            json::json_pointer("/files/0/shares") / kind / channel / "0" / "ts";
        if (const json ts = said.value(at, json()); ts.is_string()) result["ts"] = ts;
    }
    return result;
}

Step complete(const std::shared_ptr<const SlackPost> &post, const std::string &file) {
    json arguments = {{"files", json::array({{{"id", file}, {"title", post->title}}})},
                      {"channel_id", post->channel}};
    if (!post->earlier.is_null()) {
        arguments["channel_id"] = post->earlier["channel"];
        arguments["thread_ts"] = post->earlier["ts"];
    }
    // Slack ignores blocks when there is a comment.
    if (post->payload.contains("blocks"))
        arguments["blocks"] = post->payload["blocks"];
    else
        arguments["initial_comment"] = post->payload["text"];
    const std::string channel = arguments["channel_id"];
    return exchange(slack_call(*post, "files.completeUploadExternal", arguments),
                    [post, file, channel](const Response &answer) -> Step {
                        json said;
                        Outcome outcome = slack_judged(answer, post->now, said);
                        if (outcome.state == Outcome::State::delivered)
                            outcome.result = shared_file(said, channel, file);
                        return outcome;
                    });
}

Step put_bytes(const std::shared_ptr<const SlackPost> &post, const json &place) {
    const json url = place.value("upload_url", json()), file = place.value("file_id", json());
    Outcome odd;
    odd.state = Outcome::State::dead;
    odd.error = "Slack's answer has no place to upload to";
    if (!url.is_string() || !file.is_string()) return odd;
    // Never from an encrypted connection to an open one.
    const auto &address = url.get_ref<const std::string &>();
    if (post->api.rfind("https://", 0) == 0 && address.rfind("https://", 0) != 0) return odd;
    Request request;
    request.url = address;
    request.headers = {{"Content-Type", "application/octet-stream"}};
    request.body = post->content;
    return exchange(std::move(request),
                    [post, id = file.get<std::string>()](const Response &answer) -> Step {
                        Outcome outcome = judge(answer, post->now);
                        if (outcome.state != Outcome::State::delivered) return outcome;
                        return complete(post, id);
                    });
}

}  // namespace

Request slack_call(const SlackPost &post, std::string_view method, const json &arguments) {
    Request request;
    request.once = true;  // people read it
    request.url = fmt::format("{}/{}", post.api, method);
    request.headers = {{"Content-Type", "application/json; charset=utf-8"},
                       {"Authorization", "Bearer " + post.token}};
    request.body = arguments.dump();
    return request;
}

Outcome slack_judged(const Response &answer, int64_t now, json &said) {
    Outcome outcome = judge(answer, now);
    if (outcome.state != Outcome::State::delivered) return outcome;
    said = json::parse(answer.body, nullptr, false);
    if (!said.is_object() || !said.value("ok", json()).is_boolean()) {
        outcome.state = Outcome::State::dead;
        outcome.error = "the answer is not one of Slack's Web API";
        return outcome;
    }
    if (said["ok"].get<bool>()) return outcome;
    const json name = said.value("error", json());
    const std::string fault = name.is_string() ? name.get<std::string>() : "no reason";
    outcome.state = passes(fault) ? Outcome::State::retry : Outcome::State::dead;
    outcome.receiver_down = passes(fault) && fault.find("limited") == std::string::npos;
    outcome.error = "Slack answered " + excerpt(fault);
    if (const json scope = said.value("needed", json()); scope.is_string())
        outcome.error += "; the token needs " + excerpt(scope.get<std::string>());
    const json details = said.value(json::json_pointer("/response_metadata/messages"), json());
    if (details.is_array() && !details.empty() && details[0].is_string())
        outcome.error += ": " + excerpt(details[0].get<std::string>());
    if (outcome.state == Outcome::State::retry) {
        Response limited = answer;  // Retry-After is read from answers that ask for it
        limited.status = 429;
        outcome.retry_after = judge(limited, now).retry_after;
    }
    return outcome;
}

// Arguments in a form, as the clients of Slack send them.
Step slack_upload(const std::shared_ptr<const SlackPost> &post) {
    Request request = slack_call(*post, "files.getUploadURLExternal", nullptr);
    request.headers[0].second = "application/x-www-form-urlencoded";
    request.body = fmt::format("filename={}&length={}", percent_encoded(post->file_name),
                               post->content.size());
    return exchange(std::move(request), [post](const Response &answer) -> Step {
        json said;
        const Outcome outcome = slack_judged(answer, post->now, said);
        if (outcome.state != Outcome::State::delivered) return outcome;
        return put_bytes(post, said);
    });
}

}  // namespace kpi::net::slack
