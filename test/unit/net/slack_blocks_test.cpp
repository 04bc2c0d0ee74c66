#include "net/sink/slack/blocks.hpp"

#include "net/text/text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/error.hpp"
#include "core/markup.hpp"

namespace kpi::net::slack {
namespace {

using nlohmann::json;

const std::string kEllipsis = "\xE2\x80\xA6";

json section(const std::string &text) {
    return {{"type", "section"}, {"text", {{"type", "mrkdwn"}, {"text", text}}}};
}

json one(const char *block) { return slack_blocks(json::array({json::parse(block)})).at(0); }

TEST(SlackText, EscapesWhatMakesLinksAndMentions) {
    EXPECT_EQ(markup_escaped("<!channel> a&b \"c\" 'd' <@U1>"),
              "&lt;!channel&gt; a&amp;b \"c\" 'd' &lt;@U1&gt;");
}

TEST(SlackText, IsCutByCodePoints) {
    EXPECT_EQ(slack_cut("abcde", 5), "abcde");
    EXPECT_EQ(slack_cut("abcdef", 5), "abcd" + kEllipsis);
    EXPECT_EQ(slack_cut("\xC3\xA9\xC3\xA9\xC3\xA9", 2), "\xC3\xA9" + kEllipsis);
    // outside of the basic plane a character is two units
    EXPECT_EQ(slack_cut("\xF0\x9F\x98\x80\xF0\x9F\x98\x80", 3), "\xF0\x9F\x98\x80" + kEllipsis);
    EXPECT_EQ(slack_cut("\xF0\x9F\x98\x80\xF0\x9F\x98\x80", 4).size(), 8u);
    EXPECT_EQ(slack_cut("\xF0\x9F\x98\x80\xF0\x9F\x98\x80", 2), kEllipsis);
}

TEST(SlackText, IsNeverCutInsideAnEntityOrALink) {
    EXPECT_EQ(slack_cut("ab&amp;cdef", 7), "ab" + kEllipsis);
    EXPECT_EQ(slack_cut("ab&amp;cdef", 8), "ab&amp;" + kEllipsis);
    EXPECT_EQ(slack_cut("see <https://x.example|the page> there", 20), "see " + kEllipsis);
    EXPECT_EQ(slack_cut("see <https://x.example|the page> there", 33),
              "see <https://x.example|the page>" + kEllipsis);
    EXPECT_EQ(slack_cut("1 < 2 and so on", 8), "1 < 2 a" + kEllipsis) << "no link at all";
    EXPECT_EQ(slack_cut("a&bcdef", 4), "a&b" + kEllipsis) << "no entity at all";
}

RC_GTEST_PROP(SlackText, EscapedAndCutTextStaysEscaped, (const std::string &bytes)) {
    std::string text;
    for (const char c : bytes) text += "<>&a "[static_cast<unsigned char>(c) % 5];
    const size_t most = *rc::gen::inRange<size_t>(1, 60);
    const std::string cut = slack_cut(markup_escaped(text), most);
    RC_ASSERT(cut.find_first_of("<>") == std::string::npos);
    for (size_t at = cut.find('&'); at != std::string::npos; at = cut.find('&', at + 1)) {
        const std::string rest = cut.substr(at, 5);
        RC_ASSERT(rest == "&amp;" || rest.substr(0, 4) == "&lt;" || rest.substr(0, 4) == "&gt;");
    }
    // an ellipsis is three bytes and one unit
    RC_ASSERT(cut.size() <= most + 2);
}

TEST(SlackBlocks, CutsEachTextToItsOwnLimit) {
    const std::string longest(4000, 'x');
    EXPECT_EQ(slack_blocks(json::array({section(longest)}))[0]["text"]["text"],
              longest.substr(0, 2999) + kEllipsis);
    json block = json::parse(R"({"type": "header", "text": {"type": "plain_text"}})");
    block["text"]["text"] = longest;
    EXPECT_EQ(slack_blocks(json::array({block}))[0]["text"]["text"],
              longest.substr(0, 149) + kEllipsis);
    block = json::parse(R"({"type": "section", "fields": [{"type": "mrkdwn"}]})");
    block["fields"][0]["text"] = longest;
    EXPECT_EQ(slack_blocks(json::array({block}))[0]["fields"][0]["text"],
              longest.substr(0, 1999) + kEllipsis);
    block = json::parse(R"({"type": "actions", "elements":
        [{"type": "button", "url": "https://x.example", "text": {"type": "plain_text"}}]})");
    block["elements"][0]["text"]["text"] = longest;
    EXPECT_EQ(slack_blocks(json::array({block}))[0]["elements"][0]["text"]["text"],
              longest.substr(0, 74) + kEllipsis);
    block = json::parse(R"({"type": "image", "image_url": "https://x.example"})");
    block["alt_text"] = longest;
    EXPECT_EQ(slack_blocks(json::array({block}))[0]["alt_text"],
              longest.substr(0, 1999) + kEllipsis);
}

TEST(SlackBlocks, KeepsWhatFits) {
    const json blocks = json::parse(R"([{"type": "divider"}, {"type": "rich_text", "elements": [1]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "a"},
            {"type": "image", "image_url": "https://x.example", "alt_text": "b"}]}])");
    EXPECT_EQ(slack_blocks(blocks), blocks);
    EXPECT_EQ(slack_blocks(json::array()), json::array());
}

TEST(SlackBlocks, CutsBlocksOverFiftyWithANote) {
    json blocks = json::array();
    for (int i = 0; i < 50; ++i) blocks.push_back(section(std::to_string(i)));
    EXPECT_EQ(slack_blocks(blocks), blocks);
    blocks.push_back(section("50"));
    const json kept = slack_blocks(blocks);
    ASSERT_EQ(kept.size(), 50u);
    EXPECT_EQ(kept[48], blocks[48]);
    EXPECT_EQ(kept[49], json::parse(R"({"type": "context", "elements":
        [{"type": "plain_text", "text": "2 more blocks left out."}]})"));
}

TEST(SlackBlocks, CutsBlocksOverTheTotalWithANote) {
    json blocks = json::array();
    for (int i = 0; i < 5; ++i) blocks.push_back(section(std::string(2900, 'x')));
    const json kept = slack_blocks(blocks);
    ASSERT_EQ(kept.size(), 5u);
    EXPECT_EQ(kept[3], blocks[3]);
    EXPECT_EQ(kept[4]["elements"][0]["text"], "1 more block left out.");
}

TEST(SlackBlocks, RefusesWhatSlackWould) {
    const std::string id(256, 'i'), url = "https://" + std::string(3000, 'u');
    for (const std::string &block : {
             std::string(R"({"type": "section"})"),
             std::string(R"({"type": "section", "text": {"type": "mrkdwn", "text": ""}})"),
             std::string(R"({"type": "section", "text": "plain"})"),
             std::string(R"({"type": "section", "fields": []})"),
             std::string(R"({"type": "header", "text": {"type": "mrkdwn", "text": "a"}})"),
             std::string(R"({"type": "header"})"),
             std::string(R"({"type": "image", "image_url": "https://x.example"})"),
             std::string(R"({"type": "context", "elements": []})"),
             std::string(R"({"text": "no type"})"),
             std::string("5"),
             R"({"type": "divider", "block_id": ")" + id + R"("})",
             R"({"type": "actions", "elements": [{"type": "button", "url": ")" + url +
                 R"(", "text": {"type": "plain_text", "text": "a"}}]})",
         })
        EXPECT_THROW(one(block.c_str()), Error) << block.substr(0, 100);
    EXPECT_THROW(slack_blocks(json::object()), Error);
}

}  // namespace
}  // namespace kpi::net::slack
