// Cron expressions: what each field may hold, days of month or week, and clocks that jump.
#include "core/cron.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "core/error.hpp"

namespace {

using kpi::Cron;
using kpi::date;
using kpi::iso;
using kpi::kDay;
using kpi::kHour;
using kpi::kSecond;
using kpi::Timestamp;

constexpr int64_t kMinute = 60 * kSecond;

Timestamp utc(int year, int month, int day, int hour = 0, int minute = 0) {
    return {kpi::midnight(date({year, month, day})).microseconds + hour * kHour + minute * kMinute};
}

const kpi::Zone kUtc{[](Timestamp at) { return kpi::Local{at.microseconds}; },
                     [](kpi::Local wall) { return Timestamp{wall.microseconds}; }};

// Central Europe in 2026: 02:00 to 03:00 is skipped on 29 March, 02:00 to 03:00 comes twice on 25
// October.
const Timestamp kSpring = utc(2026, 3, 29, 1), kAutumn = utc(2026, 10, 25, 1);
int64_t offset(Timestamp at) { return (at >= kSpring && at < kAutumn ? 2 : 1) * kHour; }
const kpi::Zone kMadrid{[](Timestamp at) { return kpi::Local{at.microseconds + offset(at)}; },
                        [](kpi::Local wall) {
                            for (const int64_t hours : {2, 1}) {
                                const Timestamp at{wall.microseconds - hours * kHour};
                                if (at.microseconds + offset(at) == wall.microseconds) return at;
                            }
                            return kSpring;
                        }};

// As PostgreSQL takes a skipped time: by the offset before the jump, so that it comes after it.
const kpi::Zone kMadridByPostgres{
    kMadrid.local, [](kpi::Local wall) {
        const Timestamp at = kMadrid.instant(wall);
        return kMadrid.local(at) == wall ? at : Timestamp{wall.microseconds - kHour};
    }};

std::vector<std::string> due(const char *text, Timestamp from, Timestamp to,
                             const kpi::Zone &zone = kUtc) {
    std::vector<std::string> out;
    const Cron cron(text);
    for (auto at = cron.next({from.microseconds - 1}, zone); at && *at < to;
         at = cron.next(*at, zone))
        out.push_back(iso(*at).substr(0, 16));
    return out;
}

TEST(Cron, FieldsNameMinutesHoursDaysMonths) {
    EXPECT_EQ(due("0 8 * * *", utc(2026, 11, 27), utc(2026, 11, 29)),
              (std::vector<std::string>{"2026-11-27 08:00", "2026-11-28 08:00"}));
    EXPECT_EQ(due("0 9 * * 1", utc(2026, 11, 27), utc(2026, 12, 8)),
              (std::vector<std::string>{"2026-11-30 09:00", "2026-12-07 09:00"}));
    EXPECT_EQ(due("0 9 1 * *", utc(2026, 11, 2), utc(2027, 1, 2)),
              (std::vector<std::string>{"2026-12-01 09:00", "2027-01-01 09:00"}));
    EXPECT_EQ(
        due("0 */4 * * *", utc(2026, 1, 1, 1), utc(2026, 1, 1, 13)),
        (std::vector<std::string>{"2026-01-01 04:00", "2026-01-01 08:00", "2026-01-01 12:00"}));
    EXPECT_EQ(due("15,45 3-4 * feb MON,wed", utc(2026, 2, 1), utc(2026, 2, 3)).size(), 4U);
    EXPECT_EQ(due("50/5 0 1 1 *", utc(2026, 1, 1), utc(2026, 1, 2)),
              (std::vector<std::string>{"2026-01-01 00:50", "2026-01-01 00:55"}));
    EXPECT_EQ(due("@hourly", utc(2026, 1, 1), utc(2026, 1, 1, 3)).size(), 3U);
    EXPECT_EQ(due("0 0 * * 7", utc(2026, 11, 27), utc(2026, 11, 30)),
              (std::vector<std::string>{"2026-11-29 00:00"}));
}

TEST(Cron, TheLastOfTheMonth) {
    EXPECT_EQ(due("0 0 L * *", utc(2024, 2, 1), utc(2024, 4, 1)),
              (std::vector<std::string>{"2024-02-29 00:00", "2024-03-31 00:00"}));
    EXPECT_EQ(due("0 0 * * FRIL", utc(2026, 11, 1), utc(2027, 1, 1)),
              (std::vector<std::string>{"2026-11-27 00:00", "2026-12-25 00:00"}));
    EXPECT_EQ(due("0 0 L,15 * *", utc(2026, 2, 1), utc(2026, 3, 1)),
              (std::vector<std::string>{"2026-02-15 00:00", "2026-02-28 00:00"}));
}

TEST(Cron, BothDayFieldsMeanEither) {
    // The 13th, and every Friday.
    EXPECT_EQ(
        due("0 0 13 * 5", utc(2026, 11, 1), utc(2026, 11, 21)),
        (std::vector<std::string>{"2026-11-06 00:00", "2026-11-13 00:00", "2026-11-20 00:00"}));
    EXPECT_EQ(due("0 0 10 * 5", utc(2026, 11, 9), utc(2026, 11, 14)),
              (std::vector<std::string>{"2026-11-10 00:00", "2026-11-13 00:00"}));
    // One that begins with * restricts the other.
    EXPECT_EQ(due("0 0 */2 * 5", utc(2026, 11, 1), utc(2026, 11, 21)),
              (std::vector<std::string>{"2026-11-13 00:00"}));
}

TEST(Cron, RareDaysAndNever) {
    EXPECT_EQ(iso(*Cron("0 0 29 2 *").next(utc(2096, 3, 1), kUtc)).substr(0, 10), "2104-02-29");
    EXPECT_FALSE(Cron("0 0 30 2 *").next(utc(2026, 1, 1), kUtc));
}

TEST(Cron, FixedHoursAreDueOnceWhateverTheClockDoes) {
    // Skipped: at the moment of the jump. Twice: the first time.
    EXPECT_EQ(
        due("30 2 * * *", utc(2026, 3, 28), utc(2026, 3, 31), kMadrid),
        (std::vector<std::string>{"2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"}));
    EXPECT_EQ(
        due("30 2 * * *", utc(2026, 10, 24), utc(2026, 10, 27), kMadrid),
        (std::vector<std::string>{"2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"}));
    // Several skipped times are one run, not a burst.
    EXPECT_EQ(due("*/10 2 * * *", utc(2026, 3, 29), utc(2026, 3, 30), kMadrid).size(), 1U);
    EXPECT_EQ(due("*/10 2 * * *", utc(2026, 3, 29), utc(2026, 3, 30), kMadridByPostgres),
              std::vector<std::string>{"2026-03-29 01:00"});
    EXPECT_EQ(due("0 8 * * *", utc(2026, 3, 29), utc(2026, 3, 30), kMadrid),
              (std::vector<std::string>{"2026-03-29 06:00"}));
}

TEST(Cron, EveryHourGoesOnInRealTime) {
    EXPECT_EQ(due("*/30 * * * *", utc(2026, 3, 29), utc(2026, 3, 29, 3), kMadrid).size(), 6U);
    EXPECT_EQ(due("*/30 * * * *", utc(2026, 10, 25), utc(2026, 10, 25, 3), kMadrid).size(), 6U);
    EXPECT_EQ(due("0 * * * *", utc(2026, 10, 25), utc(2026, 10, 26), kMadrid).size(), 24U);
}

// Against every minute of a year, asked one by one.
TEST(Cron, NextIsTheFirstMinuteThatMatches) {
    for (const char *text :
         {"7 3 * * *", "*/17 5-9/2 1,L * 1-3", "0 0 31 * *", "59 23 28-31 2,4 *"}) {
        const Cron cron(text);
        std::vector<std::string> slow;
        const std::vector<std::string> fast = due(text, utc(2024, 1, 1), utc(2025, 1, 1));
        for (Timestamp at = utc(2024, 1, 1); at < utc(2025, 1, 1); at.microseconds += kMinute) {
            const auto next = cron.next({at.microseconds - 1}, kUtc);
            if (at.microseconds % kDay == 0 && !cron.is_due_on(kpi::date_of({at.microseconds}))) {
                at.microseconds += kDay - kMinute;
                continue;
            }
            if (next && *next == at) slow.push_back(iso(at).substr(0, 16));
        }
        EXPECT_EQ(fast, slow) << text;
    }
}

TEST(Cron, RefusesWithTheFieldAndWhatItMayBe) {
    for (const char *text : {"",
                             "* * * *",
                             "* * * * * *",
                             "60 * * * *",
                             "* 24 * * *",
                             "* * 0 * *",
                             "* * 32 * *",
                             "* * * 13 *",
                             "* * * foo *",
                             "* * * * 8",
                             "5-1 * * * *",
                             "*/0 * * * *",
                             "1-2-3 * * * *",
                             "1/2/3 * * * *",
                             "1,,2 * * * *",
                             ", * * * *",
                             "- * * * *",
                             "* * * * L",
                             "a * * * *",
                             "@never",
                             "99999999999 * * * *"}) {
        try {
            const Cron cron(text);
            ADD_FAILURE() << text << " was accepted";
        } catch (const kpi::Error &error) {
            EXPECT_EQ(error.sqlstate, "22023") << text;
            EXPECT_FALSE(error.hint.empty()) << text;
        }
    }
    try {
        const Cron cron("0 25 * * *");
    } catch (const kpi::Error &error) {
        EXPECT_EQ(error.message, "cron expression: \"25\" is no hour: out of range");
    }
}

}  // namespace
