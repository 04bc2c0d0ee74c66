#include "monitor/judge/verdict.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "monitor/judge/memory.hpp"

namespace {

using namespace kpi::monitor;

Inquiry below(double threshold, Look look) {
    Inquiry q;
    q.threshold = threshold;
    q.look = look;
    return q;
}

// 56 days of `value`, and one that is judged.
Outlook flat(const Inquiry &q, double value) {
    std::vector<double> values(57, value);
    std::vector<std::int64_t> periods;
    for (std::int64_t i = 0; i <= 57; ++i) periods.push_back(i);
    const std::vector<kpi::detect::Effect> effects(58, kpi::detect::Effect::none);
    const std::vector<std::uint32_t> events(58, 0);
    History history;
    history.values = values;
    history.periods = periods;
    history.effects = effects;
    history.events = events;
    history.known = 57;
    history.share_then = 0;
    history.share_next = 1;
    return make_outlook(q, history);
}

Seen open(const Inquiry &q, const Outlook &o, double value, double share) {
    Observed now;
    now.open = value;
    now.within = share;
    return judge(q, o, now).seen;
}

TEST(Verdict, a_closed_bucket_is_compared_exactly) {
    const Inquiry q = below(50, Look::closed);
    const Outlook o = flat(q, 100);
    Observed now;
    now.closed = 50;
    EXPECT_EQ(judge(q, o, now).seen, Seen::good);
    now.closed = 49.999;
    EXPECT_EQ(judge(q, o, now).seen, Seen::bad);
}

TEST(Verdict, in_the_first_minutes_nothing_is_clear) {
    const Inquiry q = below(90, Look::open);
    const Outlook o = flat(q, 100);
    EXPECT_EQ(open(q, o, 0, 0.001), Seen::unclear);
    EXPECT_EQ(open(q, o, 5, 0.001), Seen::unclear);
    EXPECT_EQ(open(q, o, 0, 0.5), Seen::bad);
    EXPECT_EQ(open(q, o, 45, 0.5), Seen::good);
    EXPECT_EQ(open(q, o, 43, 0.5), Seen::unclear);
}

TEST(Verdict, at_the_end_of_a_bucket_it_is_as_exact_as_afterwards) {
    const Inquiry q = below(90, Look::open);
    const Outlook o = flat(q, 100);
    EXPECT_EQ(open(q, o, 89, 1), Seen::bad);
    EXPECT_EQ(open(q, o, 90, 1), Seen::good);
}

TEST(Verdict, without_the_shape_of_a_day_it_waits_for_its_end) {
    const Inquiry q = below(90, Look::open);
    Outlook o = flat(q, 100);
    o.share_then = o.share_next = 0;
    for (const double value : {0.0, 1.0, 50.0, 89.0})
        EXPECT_EQ(open(q, o, value, 0.9), Seen::unclear);
}

// Days that keep the limit by a fifth, event by event: hardly one in a hundred is ever called bad
// on its way, whatever the minute; and of days that lose half nearly all are, before they end.
TEST(Verdict, ordinary_days_are_quiet_at_every_minute_and_bad_ones_are_not) {
    const Inquiry q = below(80, Look::open);
    const Outlook o = flat(q, 100);
    std::mt19937 random(11);
    std::uniform_real_distribution<double> moment(0, 1);
    int alarms = 0, found = 0;
    const auto is_called_bad = [&](int events) {
        std::vector<double> at(size_t(events), 0);
        for (double &t : at) t = moment(random);
        for (int minute = 1; minute < 1440; minute += 7) {
            const double share = minute / 1440.0;
            const auto so_far =
                std::count_if(at.begin(), at.end(), [&](double t) { return t < share; });
            if (open(q, o, double(so_far), share) == Seen::bad) return true;
        }
        return false;
    };
    std::poisson_distribution<int> usual(100), half(40);
    for (int day = 0; day < 400; ++day) {
        const int events = usual(random);
        if (events >= 96 && is_called_bad(events)) ++alarms;
        if (is_called_bad(half(random))) ++found;
    }
    EXPECT_LE(alarms, 4);
    EXPECT_GE(found, 380);
}

TEST(Memory, is_read_as_it_was_written_and_no_other_version_is) {
    Memory memory;
    memory.bucket = 1;
    memory.then = 2;
    memory.next = 9;
    memory.signature = 7;
    memory.segments = {R"({"country": "MX"})", "{}"};
    memory.outlooks.resize(2);
    memory.outlooks[1].open.low = 42;
    const std::string bytes = pack(memory);
    const auto again = unpack(bytes);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->segments, memory.segments);
    EXPECT_EQ(again->outlooks[1].open.low, 42);
    EXPECT_TRUE(again->usable(7, 1, 2));
    EXPECT_FALSE(again->usable(7, 1, 9));
    EXPECT_FALSE(again->usable(8, 1, 2));
    for (size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(unpack(std::string_view(bytes).substr(0, size))) << size;
}

}  // namespace
