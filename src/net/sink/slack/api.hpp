// Calls of Slack's Web API, as a bot, and the upload of a file.
// Sources: Slack's reference of chat.postMessage, chat.update, files.getUploadURLExternal and
// files.completeUploadExternal; its guides "Using the Slack Web API" and "Working with files".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "net/wire/step.hpp"

namespace kpi::net::slack {

// A message as the bot's calls need it.
struct SlackPost {
    std::string api, token;
    std::string channel;
    nlohmann::json payload;  // text, blocks and what else is passed on
    nlohmann::json earlier;  // {"channel", "ts"} of the message to edit or answer; null: none
    bool edit = false;
    std::string file_name, title, content;
    int64_t now = 0;
};

// A call with arguments as JSON. `method`: "chat.postMessage" and so on.
Request slack_call(const SlackPost &post, std::string_view method, const nlohmann::json &arguments);

// Whether a call went through, with the reason when it did not. Slack says so in the body, which is
// left in `said`; what it says about itself (ratelimited, internal_error, fatal_error,
// service_unavailable, request_timeout) is tried again, the rest is final.
Outcome slack_judged(const Response &answer, int64_t unix_time, nlohmann::json &said);

// Sends post->content in three steps: asks for a place, puts the bytes there, shares the file.
Step slack_upload(const std::shared_ptr<const SlackPost> &post);

}  // namespace kpi::net::slack
