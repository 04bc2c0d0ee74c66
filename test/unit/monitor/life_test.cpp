#include "monitor/judge/life.hpp"

#include <gtest/gtest.h>

#include <random>

namespace {

using namespace kpi::monitor;

constexpr int64_t kMinute = 60'000'000;
constexpr int64_t kStart = 1'000 * kMinute;

// A life seen at minutes after the start.
struct Story {
    Terms terms;
    Life life{};

    Word at(int64_t minute, Seen seen, Voice voice = Voice::speaks) {
        const Next next = advance(life, seen, terms, voice, kStart + minute * kMinute);
        life = next.life;
        return next.word;
    }
};

TEST(Life, fires_at_once_without_a_hold) {
    Story story;
    EXPECT_EQ(story.at(0, Seen::bad), Word::opened);
    EXPECT_EQ(story.life.phase, Phase::firing);
    EXPECT_EQ(story.at(1, Seen::bad), Word::none);
}

TEST(Life, fires_when_it_was_bad_for_the_hold_and_not_a_minute_earlier) {
    Story story{{.hold = 15 * kMinute}};
    EXPECT_EQ(story.at(0, Seen::bad), Word::none);
    EXPECT_EQ(story.at(14, Seen::bad), Word::none);
    EXPECT_EQ(story.life.phase, Phase::pending);
    EXPECT_EQ(story.at(15, Seen::bad), Word::opened);
    EXPECT_EQ(story.life.fired - story.life.started, 15 * kMinute);
}

TEST(Life, a_good_look_ends_what_was_pending_and_the_hold_begins_anew) {
    Story story{{.hold = 15 * kMinute}};
    story.at(0, Seen::bad);
    EXPECT_EQ(story.at(10, Seen::good), Word::none);
    EXPECT_EQ(story.life, Life{});
    story.at(12, Seen::bad);
    EXPECT_EQ(story.at(20, Seen::bad), Word::none);
    EXPECT_EQ(story.at(27, Seen::bad), Word::opened);
}

TEST(Life, an_unclear_look_neither_opens_nor_fires_nor_resolves) {
    Story story{{.hold = 5 * kMinute}};
    EXPECT_EQ(story.at(0, Seen::unclear), Word::none);
    EXPECT_FALSE(story.life.open());
    story.at(1, Seen::bad);
    EXPECT_EQ(story.at(9, Seen::unclear), Word::none);
    EXPECT_EQ(story.life.phase, Phase::pending);
    EXPECT_EQ(story.at(10, Seen::bad), Word::opened);
    EXPECT_EQ(story.at(600, Seen::unclear), Word::none);
    EXPECT_EQ(story.life.phase, Phase::firing);
}

TEST(Life, resolves_when_it_was_good_for_as_long_as_it_keeps_firing) {
    Story story{{.keep_firing = 10 * kMinute}};
    story.at(0, Seen::bad);
    EXPECT_EQ(story.at(1, Seen::good), Word::none);
    EXPECT_EQ(story.at(5, Seen::bad), Word::none);  // back before it was over: the same incident
    EXPECT_EQ(story.at(6, Seen::good), Word::none);
    EXPECT_EQ(story.at(15, Seen::good), Word::none);
    EXPECT_EQ(story.at(16, Seen::good), Word::resolved);
    EXPECT_EQ(story.life.phase, Phase::resolved);
}

TEST(Life, is_armed_again_by_its_end) {
    Story story;
    story.at(0, Seen::bad);
    story.at(1, Seen::good);
    EXPECT_EQ(story.at(2, Seen::good), Word::none);
    EXPECT_EQ(story.at(3, Seen::bad), Word::opened);
    EXPECT_EQ(story.life.started, kStart + 3 * kMinute);
}

TEST(Life, repeats_so_often_and_no_more) {
    Story story{{.repeat_every = 60 * kMinute, .max_repeats = 2}};
    story.at(0, Seen::bad);
    EXPECT_EQ(story.at(59, Seen::bad), Word::none);
    EXPECT_EQ(story.at(60, Seen::bad), Word::repeated);
    EXPECT_EQ(story.at(61, Seen::bad), Word::none);
    EXPECT_EQ(story.at(120, Seen::unclear), Word::repeated);
    EXPECT_EQ(story.at(600, Seen::bad), Word::none);
}

TEST(Life, acknowledged_it_is_neither_repeated_nor_escalated_but_resolved) {
    Story story{{.repeat_every = 60 * kMinute, .escalate_after = 30 * kMinute, .max_repeats = 9}};
    story.at(0, Seen::bad);
    story.life.phase = Phase::acknowledged;
    EXPECT_EQ(story.at(300, Seen::bad), Word::none);
    EXPECT_EQ(story.at(301, Seen::good), Word::resolved);
}

TEST(Life, escalates_once_when_nobody_acknowledges) {
    Story story{{.escalate_after = 30 * kMinute}};
    story.at(0, Seen::bad);
    EXPECT_EQ(story.at(29, Seen::bad), Word::none);
    EXPECT_EQ(story.at(30, Seen::bad), Word::escalated);
    EXPECT_EQ(story.at(90, Seen::bad), Word::none);
}

TEST(Life, a_silence_mutes_and_its_end_is_said) {
    Story story;
    EXPECT_EQ(story.at(0, Seen::bad, Voice::muted), Word::none);
    EXPECT_EQ(story.life.phase, Phase::firing);
    EXPECT_EQ(story.at(5, Seen::bad, Voice::muted), Word::none);
    EXPECT_EQ(story.at(6, Seen::bad), Word::unmuted);
    EXPECT_EQ(story.at(7, Seen::bad), Word::none);
}

TEST(Life, what_was_never_told_is_not_told_to_be_over) {
    Story story;
    story.at(0, Seen::bad, Voice::muted);
    EXPECT_EQ(story.at(1, Seen::good), Word::none);
    EXPECT_EQ(story.life.phase, Phase::resolved);
}

TEST(Life, the_end_is_told_even_in_a_silence) {
    Story story;
    story.at(0, Seen::bad);
    EXPECT_EQ(story.at(1, Seen::good, Voice::muted), Word::resolved);
}

TEST(Life, a_part_of_another_incident_says_nothing_until_it_stands_alone) {
    Story story;
    EXPECT_EQ(story.at(0, Seen::bad, Voice::quiet), Word::none);
    EXPECT_EQ(story.at(1, Seen::bad), Word::opened);
}

// Whatever is seen: an end is told once and after a beginning, and never two beginnings in one
// life.
TEST(Life, words_of_any_story_make_sense) {
    std::mt19937 random(7);
    for (int run = 0; run < 200; ++run) {
        Story story{{.hold = int64_t(random() % 5) * kMinute,
                     .keep_firing = int64_t(random() % 5) * kMinute,
                     .repeat_every = int64_t(random() % 9) * kMinute,
                     .escalate_after = int64_t(random() % 9) * kMinute,
                     .max_repeats = int(random() % 3)}};
        int opened = 0, said = 0;
        for (int64_t minute = 0; minute < 200; ++minute) {
            const Word word = story.at(minute, Seen(random() % 3), Voice(random() % 3));
            if (word == Word::none) {
                if (!story.life.open()) opened = said = 0;
                continue;
            }
            ++said;
            if (word == Word::opened) ++opened;
            EXPECT_LE(opened, 1);
            if (word == Word::resolved) {
                EXPECT_GT(said, 1);
                opened = said = 0;
            } else {
                EXPECT_EQ(story.life.phase, Phase::firing);
            }
        }
    }
}

}  // namespace
