// Slack's text and Block Kit within Slack's limits.
// Sources: Slack's reference of block, block element and composition objects; its guide "Formatting
// text for app surfaces". Lengths are UTF-16 units, which is never less than what Slack counts.
//
// Text that is too long is cut between characters, never inside an entity (&amp;) or a link
// (<url|label>), and ends with an ellipsis. What cannot be cut without breaking it (identifiers,
// URLs, values of buttons) must fit. Errors: 22023.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace kpi::net::slack {

// A message's own text; more is cut by chat.postMessage and refused by chat.update.
constexpr size_t kMostText = 4000;

// At most `most` UTF-16 units; `text` must be UTF-8.
std::string slack_cut(std::string_view text, size_t most);
// The same blocks within the limits: long texts cut, at most 50 blocks and about 12 000 characters
// of text in all; when blocks are left out, the last one says how many.
nlohmann::json slack_blocks(nlohmann::json blocks);

}  // namespace kpi::net::slack
