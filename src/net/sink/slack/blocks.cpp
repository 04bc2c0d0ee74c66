#include "net/sink/slack/blocks.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/error.hpp"
#include "net/text/text.hpp"
#include "net/wire/step.hpp"

namespace kpi::net::slack {
namespace {

using nlohmann::json;

constexpr size_t kMostBlocks = 50;
// msg_blocks_too_long comes at about 13 000; the limit is not documented.
constexpr size_t kMostTotal = 12'000;
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

[[noreturn]] void refuse(std::string what, std::string hint = {}) {
    throw Error("22023", std::move(what), {}, std::move(hint));
}

struct Piece {
    size_t bytes = 1, units = 1;
};

// A code point at the start of the text; a byte that starts none counts as one.
Piece character(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    const size_t bytes = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    return {std::min(bytes, text.size()), size_t(bytes == 4 ? 2 : 1)};
}

// What may not be cut: an entity, a link or mention, a code point.
Piece piece_of(std::string_view text) {
    size_t bytes = 0;
    if (text[0] == '&') {
        for (const std::string_view entity : {"&amp;", "&lt;", "&gt;"})
            if (text.substr(0, entity.size()) == entity) bytes = entity.size();
    } else if (text[0] == '<') {
        const size_t end = text.find_first_of("<>\n", 1);
        if (end != std::string_view::npos && text[end] == '>') bytes = end + 1;
    }
    return bytes == 0 ? character(text) : Piece{bytes, utf16_units(text.substr(0, bytes))};
}

// The text at `key`, cut. Nothing to do when there is none.
void cut(json &object, const char *key, size_t most) {
    const auto found = object.find(key);
    if (found == object.end()) return;
    if (!found->is_string()) refuse(fmt::format("\"{}\" of a block must be a text", key));
    *found = slack_cut(found->get_ref<const std::string &>(), most);
}

void must_fit(const json &object, const char *key, size_t most) {
    const auto found = object.find(key);
    if (found == object.end()) return;
    if (!found->is_string()) refuse(fmt::format("\"{}\" of a block must be a text", key));
    if (utf16_units(found->get_ref<const std::string &>()) > most)
        refuse(fmt::format("\"{}\" of a block is longer than {} characters", key, most));
}

// A text object: {"type": "mrkdwn" or "plain_text", "text": ...}.
enum class Markup { allowed, plain_only };

void check_text(json &text, size_t most, Markup markup = Markup::allowed) {
    if (!text.is_object()) refuse("a text of a block must be an object with type and text");
    const json type = text.value("type", json());
    if (type != "plain_text" && (markup == Markup::plain_only || type != "mrkdwn"))
        refuse("a text of a block has a type that Slack does not take",
               "Headers, buttons and titles take plain_text, other texts mrkdwn too.");
    const auto value = text.find("text");
    if (value == text.end() || !value->is_string() || value->get_ref<const std::string &>().empty())
        refuse("a text of a block is empty");
    cut(text, "text", most);
}

json &needed(json &block, const char *key) {
    const auto found = block.find(key);
    if (found == block.end())
        refuse(fmt::format("a block of type {} needs \"{}\"", block["type"].dump(), key));
    return *found;
}

void check_image(json &image) {
    const bool has_file = image.contains("slack_file");
    if (!has_file) (void)needed(image, "image_url");
    must_fit(image, "image_url", 3000);
    (void)needed(image, "alt_text");
    cut(image, "alt_text", 2000);
    if (image.contains("title")) check_text(image["title"], 2000, Markup::plain_only);
}

// A button, image, menu ...: what is not named here is Slack's to judge.
void check_element(json &element) {
    if (!element.is_object()) refuse("an element of a block must be an object");
    must_fit(element, "action_id", 255);
    if (element.value("type", json()) == "image") check_image(element);
    if (element.value("type", json()) != "button") return;
    check_text(needed(element, "text"), 75, Markup::plain_only);
    must_fit(element, "value", 2000);
    must_fit(element, "url", 3000);
}

json &elements_of(json &block, size_t most) {
    json &elements = needed(block, "elements");
    if (!elements.is_array() || elements.empty() || elements.size() > most)
        refuse(fmt::format("a block of type {} has 1 to {} elements", block["type"].dump(), most));
    return elements;
}

void check_section(json &block) {
    if (block.contains("text")) check_text(block["text"], 3000);
    if (block.contains("fields")) {
        json &fields = block["fields"];
        if (!fields.is_array() || fields.empty() || fields.size() > 10)
            refuse("a section has 1 to 10 fields");
        for (json &field : fields) check_text(field, 2000);
    } else if (!block.contains("text")) {
        refuse("a section needs a text or fields");
    }
    if (block.contains("accessory")) check_element(block["accessory"]);
}

void check_block(json &block) {
    if (!block.is_object() || !block.value("type", json()).is_string())
        refuse("a block must be an object with a type");
    must_fit(block, "block_id", 255);
    const auto &type = block["type"].get_ref<const std::string &>();
    if (type == "section") {
        check_section(block);
    } else if (type == "header") {
        check_text(needed(block, "text"), 150, Markup::plain_only);
    } else if (type == "image") {
        check_image(block);
    } else if (type == "actions") {
        for (json &element : elements_of(block, 25)) check_element(element);
    } else if (type == "context") {
        for (json &element : elements_of(block, 10)) {
            if (element.is_object() && element.value("type", json()) == "image")
                check_image(element);
            else
                check_text(element, 3000);
        }
    }
}

// Of all texts in a block, at any depth.
size_t total_of(const json &value) {
    if (value.is_string()) return utf16_units(value.get_ref<const std::string &>());
    if (!value.is_structured()) return 0;
    size_t total = 0;
    for (const auto &[key, inner] : value.items())
        if (key != "type") total += total_of(inner);
    return total;
}

}  // namespace

std::string slack_cut(std::string_view text, size_t most) {
    if (utf16_units(text) <= most) return std::string(text);
    size_t bytes = 0, units = 0;
    while (bytes < text.size()) {
        const Piece piece = piece_of(text.substr(bytes));
        if (units + piece.units > most - 1) break;  // one is the ellipsis
        bytes += piece.bytes;
        units += piece.units;
    }
    return std::string(text.substr(0, bytes)) + std::string(kEllipsis);
}

nlohmann::json slack_blocks(nlohmann::json blocks) {
    if (!blocks.is_array()) refuse("the blocks of a message must be an array");
    json kept = json::array();
    size_t total = 0;
    for (json &block : blocks) {
        check_block(block);
        total += total_of(block);
        const bool last_place = kept.size() + 1 == kMostBlocks && blocks.size() > kMostBlocks;
        if (last_place || (total > kMostTotal && !kept.empty())) {
            const size_t left = blocks.size() - kept.size();
            const std::string note =
                fmt::format("{} more block{} left out.", left, left == 1 ? "" : "s");
            const json text = {{"type", "plain_text"}, {"text", note}};
            kept.push_back({{"type", "context"}, {"elements", json::array({text})}});
            break;
        }
        kept.push_back(std::move(block));
    }
    return kept;
}

}  // namespace kpi::net::slack
