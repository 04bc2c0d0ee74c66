// slack: a message to a channel, by an incoming webhook or as a bot.
//
// Incoming webhook: the sink has a URL, which is a secret. Bot: the sink has the secret token
// (scopes chat:write, and files:write for content), and option channel; option api is
// https://slack.com/api when absent. kpi.allowed_hosts needs hooks.slack.com; for a bot slack.com,
// and files.slack.com for content.
//
// The message is {"text"} or {"plain"}, and optionally "blocks", "channel", "edit", "thread",
// "title". `text` is Slack's mrkdwn and sent as it is: whoever writes it escapes what comes from
// data. `plain` is escaped here (& < >), so that no value becomes a link or a mention; *bold* and
// :emoji: keep their meaning. It is what notifications show, so it is needed with blocks too. Both
// are cut to Slack's limits, see slack_blocks.hpp.
// edit or thread name an earlier message of the sink, whose result {"channel", "ts"} comes with
// this one: it is changed in place, or answered. When nothing was delivered for it, or it can no
// longer be changed, the message is posted anew. Slack returns no ts to webhooks, so they always
// post anew; nor can they choose a channel.
// Content is uploaded in Slack's three steps under the last part of the object_key, with the text
// as comment. The channel must be an id (C...) then. Its result has the file's id, and a ts only
// when Slack tells it at once, which it often does not: a message that answers or edits one without
// is posted anew.
// Slack has no idempotency key: an answer that was lost means a second message.
#include <algorithm>
#include <array>
#include <memory>

#include <fmt/format.h>

#include "core/error.hpp"
#include "core/markup.hpp"
#include "net/sink/kind.hpp"
#include "net/sink/slack/api.hpp"
#include "net/sink/slack/blocks.hpp"
#include "net/text/text.hpp"

namespace kpi::net::slack {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 9> kFields = {"text",    "plain",        "blocks",
                                                     "channel", "edit",         "thread",
                                                     "title",   "unfurl_links", "unfurl_media"};

[[noreturn]] void refuse(std::string what, std::string hint = {}) {
    throw Error("22023", std::move(what), {}, std::move(hint));
}

bool is_webhook(const Sink &sink) { return !sink.url.empty(); }

std::string text_field(const json &body, const char *name) {
    const auto found = body.find(name);
    if (found == body.end() || found->is_null()) return {};
    if (!found->is_string()) refuse(fmt::format("\"{}\" of a slack message must be a text", name));
    return found->get<std::string>();
}

json payload_of(const json &body) {
    for (const auto &[key, value] : body.items())
        if (std::find(kFields.begin(), kFields.end(), key) == kFields.end())
            refuse(fmt::format("a slack message has no \"{}\"", excerpt(key)),
                   "It has text or plain, blocks, channel, edit, thread, title, unfurl_links and "
                   "unfurl_media.");
    const std::string text = text_field(body, "text"), plain = text_field(body, "plain");
    if (text.empty() == plain.empty())
        refuse("a slack message needs either text or plain",
               "It is what notifications show; blocks are shown instead of it in the channel.");
    json payload;
    payload["text"] = slack_cut(plain.empty() ? text : markup_escaped(plain), kMostText);
    if (body.contains("blocks")) payload["blocks"] = slack_blocks(body["blocks"]);
    for (const char *name : {"unfurl_links", "unfurl_media"}) {
        if (!body.contains(name)) continue;
        if (!body[name].is_boolean()) refuse(fmt::format("\"{}\" must be true or false", name));
        payload[name] = body[name];
    }
    return payload;
}

std::string file_name_of(const Message &message) {
    std::string name = message.object_key.substr(message.object_key.rfind('/') + 1);
    if (name.empty()) refuse("a file for Slack needs an object_key that ends with its name");
    return name;
}

bool is_named(const json &body, const char *name) {
    const auto found = body.find(name);
    if (found == body.end() || found->is_null()) return false;
    if (!found->is_string() && !found->is_number_integer())
        refuse(fmt::format("\"{}\" must be the id or the dedupe key of a message", name));
    return true;
}

SlackPost post_of(const Sink &sink, const Message &message) {
    const json body = parsed(message);
    SlackPost post;
    post.payload = payload_of(body);
    post.api = text_option(sink, "api", "https://slack.com/api");
    post.token = secret(sink, "token");
    post.now = message.unix_time;
    post.channel = text_field(body, "channel");
    post.edit = is_named(body, "edit");
    if (post.edit && is_named(body, "thread"))
        refuse("a slack message can edit one message or answer it, not both");
    if (is_webhook(sink)) {
        if (!post.channel.empty())
            refuse("an incoming webhook of Slack has its own channel",
                   "Use a bot token to choose the channel.");
        if (message.content)
            refuse("an incoming webhook of Slack takes no files", "Use a bot token.");
        return post;
    }
    if (post.channel.empty()) post.channel = text_option(sink, "channel");
    if (post.channel.empty())
        refuse("a slack message needs a channel", "Give it, or option \"channel\" of the sink.");
    const json &reference = message.reference;
    if (reference.is_object() && reference.contains("ts") && reference.contains("channel"))
        post.earlier = reference;
    if (!message.content) return post;
    if (post.edit) refuse("a file cannot take the place of a message", "Use thread, not edit.");
    if (message.content->empty()) refuse("Slack takes no empty files");
    post.content = *message.content;
    post.file_name = file_name_of(message);
    const std::string title = text_field(body, "title");
    post.title = title.empty() ? post.file_name : title;
    return post;
}

Step send(const std::shared_ptr<const SlackPost> &post) {
    const bool edit = post->edit && !post->earlier.is_null();
    json arguments = post->payload;
    arguments["channel"] = post->earlier.is_null() ? json(post->channel) : post->earlier["channel"];
    if (edit) {
        arguments["ts"] = post->earlier["ts"];
        // without them the blocks of before would stay above the new text
        if (!arguments.contains("blocks")) arguments["blocks"] = json::array();
    } else if (!post->earlier.is_null()) {
        arguments["thread_ts"] = post->earlier["ts"];
    }
    return exchange(
        slack_call(*post, edit ? "chat.update" : "chat.postMessage", arguments),
        [post, edit](const Response &answer) -> Step {
            json said;
            Outcome outcome = slack_judged(answer, post->now, said);
            const json fault = said.is_object() ? said.value("error", json()) : json();
            if (edit && (fault == "message_not_found" || fault == "edit_window_closed" ||
                         fault == "cant_update_message")) {
                auto anew = std::make_shared<SlackPost>(*post);
                anew->earlier = nullptr;
                return send(anew);
            }
            if (outcome.state == Outcome::State::delivered)
                outcome.result = {{"channel", said.value("channel", json())},
                                  {"ts", said.value("ts", json())}};
            return outcome;
        });
}

Step by_webhook(const Sink &sink, const SlackPost &post) {
    Request request;
    request.once = true;  // people read it
    request.url = sink.url;
    request.headers = {{"Content-Type", "application/json; charset=utf-8"}};
    request.body = post.payload.dump();
    return exchange(std::move(request), [now = post.now](const Response &answer) -> Step {
        Outcome outcome = judge(answer, now);
        // A page of some proxy is no delivery.
        if (outcome.state == Outcome::State::delivered && excerpt(answer.body) != "ok") {
            outcome.state = Outcome::State::dead;
            outcome.error = fmt::format("the receiver answered {} without Slack's \"ok\": {}",
                                        answer.status, excerpt(answer.body));
        }
        return outcome;
    });
}

void check_sink(const Sink &sink) {
    if (is_webhook(sink) == sink.secret.contains("token"))
        refuse("a slack sink needs either a webhook's URL or a bot's token",
               "Give the URL, or secret {\"token\": ...} and option \"channel\".");
    (void)text_option(sink, "channel");
    const std::string api = text_option(sink, "api", "https://slack.com/api");
    if (api.find("://") == std::string::npos || api.back() == '/')
        refuse("option \"api\" of a slack sink must be a URL without a slash at its end");
}

void check_message(const Sink &sink, const Message &message) { (void)post_of(sink, message); }

Step deliver(const Sink &sink, const Message &message) {
    const auto post = std::make_shared<const SlackPost>(post_of(sink, message));
    if (is_webhook(sink)) return by_webhook(sink, *post);
    return post->content.empty() ? send(post) : slack_upload(post);
}

Message test_message(const Sink &sink) {
    Message message;
    message.body = json{{"plain", fmt::format("A test of sink {} of kpi_ext.", sink.name)}}.dump();
    return message;
}

}  // namespace

const Kind kKind = {
    .name = "slack",
    .url_is_secret = true,
    .needs_url = false,
    .options = {"channel", "api"},
    .secrets = {"token"},
    .check_sink = check_sink,
    .check_message = check_message,
    .deliver = deliver,
    .test_message = test_message,
};

}  // namespace kpi::net::slack
