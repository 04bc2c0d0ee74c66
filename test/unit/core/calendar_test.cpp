// Buckets, counterparts and what each reads. Zones are made by hand: one with a skipped and a
// repeated hour, one with half hours.
#include "core/calendar.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/error.hpp"

namespace {

using kpi::Compare;
using kpi::date;
using kpi::Grain;
using kpi::iso;
using kpi::kDay;
using kpi::kHour;

kpi::Timestamp utc(int year, int month, int day, int hour = 0, int minute = 0) {
    return {kpi::midnight(date({year, month, day})).microseconds + hour * kHour +
            minute * 60 * kpi::kSecond};
}

// An offset, in minutes, from each instant on. `instant` is the first that shows a wall clock; a
// skipped one is read with the offset before the skip.
kpi::Zone zone_of(std::vector<std::pair<kpi::Timestamp, int>> shifts) {
    const auto offset = [shifts](kpi::Timestamp at) {
        int minutes = shifts.front().second;
        for (const auto &[from, value] : shifts)
            if (at >= from) minutes = value;
        return minutes * 60 * kpi::kSecond;
    };
    const auto local = [offset](kpi::Timestamp at) {
        return kpi::Local{at.microseconds + offset(at)};
    };
    return {local, [shifts, local](kpi::Local wall) {
                for (const auto &[from, minutes] : shifts) {
                    const kpi::Timestamp at{wall.microseconds - minutes * 60 * kpi::kSecond};
                    if (local(at) == wall) return at;
                }
                for (size_t i = 1; i < shifts.size(); ++i) {
                    const kpi::Timestamp before{wall.microseconds -
                                                shifts[i - 1].second * 60 * kpi::kSecond};
                    if (before >= shifts[i].first && wall < local(shifts[i].first)) return before;
                }
                return kpi::Timestamp{wall.microseconds - shifts.back().second * 60 * kpi::kSecond};
            }};
}

// Central Europe in 2026.
kpi::Zone berlin() {
    return zone_of({{utc(2000, 1, 1), 60}, {utc(2026, 3, 29, 1), 120}, {utc(2026, 10, 25, 1), 60}});
}
// Lord Howe Island in 2026: the clock goes back by half an hour on 5 April.
kpi::Zone lord_howe() {
    return zone_of(
        {{utc(2000, 1, 1), 660}, {utc(2026, 4, 4, 15), 630}, {utc(2026, 10, 3, 15, 30), 660}});
}
kpi::Zone plain() { return zone_of({{utc(2000, 1, 1), 0}}); }

kpi::Range range(const kpi::Zone &zone, const char *from, const char *to) {
    return kpi::parse_range(from, to, utc(2026, 11, 24, 15, 30), zone);
}

// The days and hours of a slice: "2026-01-01..2026-01-03 | 2026-01-05 10:00-12:00".
std::string text(const kpi::Slice &slice, const kpi::Zone &zone) {
    std::string out;
    if (slice.day_from < slice.day_to)
        out = fmt::format("{}..{}", iso(slice.day_from), iso(slice.day_to + -1));
    for (const kpi::HourSpan &span : slice.hours) {
        out += fmt::format("{}{}", out.empty() ? "" : " | ", iso(span.day));
        if (span.cut.microseconds != INT64_MAX) {
            const int64_t cut =
                zone.local(span.cut).microseconds - kpi::midnight(span.day).microseconds;
            out += fmt::format(" until {:02}:00+{:.2f}", cut / kHour, span.weight);
        }
    }
    return out;
}

std::string pair_of(Compare compare, Grain grain, const char *from, const char *to, size_t bucket,
                    kpi::Timestamp now = utc(2030, 1, 1)) {
    const kpi::Zone zone = plain();
    const kpi::Range asked = range(zone, from, to);
    const auto all = kpi::buckets(grain, asked, zone);
    const kpi::Pairing pairing(compare, grain, asked, all.size(), now, zone);
    const auto found = pairing.counterpart(all.at(bucket));
    return found ? text(*found, zone) : "none";
}

TEST(Calendar, WordsOfGrainAndComparison) {
    EXPECT_EQ(kpi::parse_grain("weekly"), Grain::week);
    EXPECT_EQ(kpi::parse_grain("total"), Grain::total);
    EXPECT_THROW(kpi::parse_grain("Day"), kpi::Error);
    EXPECT_EQ(kpi::parse_compare(std::nullopt), Compare::none);
    EXPECT_EQ(kpi::parse_compare("same_weekday"), Compare::same_weekday);
    EXPECT_THROW(kpi::parse_compare("none"), kpi::Error);
}

TEST(Calendar, ADayIsAsLongAsTheClockSays) {
    const kpi::Zone zone = berlin();
    const auto all = kpi::buckets(Grain::day, range(zone, "2026-03-28", "2026-03-30"), zone);
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[1].end.microseconds - all[1].start.microseconds, 23 * kHour);
    EXPECT_DOUBLE_EQ(kpi::elapsed(all[1], utc(2026, 3, 29, 10, 30)), 11.5 / 23);
    EXPECT_TRUE(kpi::is_open(all[1], utc(2026, 3, 29, 10, 30)));
    EXPECT_TRUE(kpi::is_complete(all[1], utc(2026, 3, 29, 22)));
    EXPECT_FALSE(kpi::is_complete(all[1], utc(2026, 3, 29, 21, 59)));
}

TEST(Calendar, HoursOfALongAndAShortDay) {
    const kpi::Zone zone = berlin();
    EXPECT_EQ(kpi::buckets(Grain::hour, range(zone, "2026-03-29", "2026-03-29"), zone).size(), 23u);
    EXPECT_EQ(kpi::buckets(Grain::hour, range(zone, "2026-10-25", "2026-10-25"), zone).size(), 25u);
}

TEST(Calendar, AHalfHourShiftGivesAHalfHour) {
    const kpi::Zone zone = lord_howe();
    const auto all = kpi::buckets(Grain::hour, range(zone, "2026-04-05", "2026-04-05"), zone);
    ASSERT_EQ(all.size(), 25u);
    // The second pass over 01:30 to 02:00 is an hour of its own, named by the start of its
    // wall-clock hour.
    EXPECT_EQ(iso(all[1].start), "2026-04-04 14:00:00.000000+00");
    EXPECT_EQ(iso(all[2].start), "2026-04-04 14:30:00.000000+00");
    EXPECT_EQ(iso(all[3].start), "2026-04-04 15:30:00.000000+00");
}

TEST(Calendar, BucketsAreCutByTheRange) {
    const kpi::Zone zone = plain();
    const auto weeks = kpi::buckets(Grain::week, range(zone, "2026-11-18", "2026-11-24"), zone);
    ASSERT_EQ(weeks.size(), 2u);
    EXPECT_EQ(iso(weeks[0].day), "2026-11-16");
    EXPECT_FALSE(kpi::is_complete(weeks[0], utc(2030, 1, 1)));
    EXPECT_EQ(text(kpi::slice(Grain::week, weeks[0], zone), zone), "2026-11-18..2026-11-22");
    EXPECT_DOUBLE_EQ(kpi::elapsed(weeks[0], utc(2030, 1, 1)), 5.0 / 7);
    EXPECT_THROW(kpi::buckets(Grain::day, range(zone, "2026-01-01", "2026-03-01"), zone, 10),
                 kpi::Error);
}

TEST(Calendar, BoundsInsideADayAreReadByHours) {
    const kpi::Zone zone = plain();
    const auto total =
        kpi::buckets(Grain::total, range(zone, "2026-11-18T10:00", "2026-11-20T12:30"), zone);
    EXPECT_EQ(text(kpi::slice(Grain::total, total[0], zone), zone),
              "2026-11-19..2026-11-19 | 2026-11-18 | 2026-11-20");
    const auto within =
        kpi::buckets(Grain::total, range(zone, "2026-11-18T10:00", "2026-11-18T12:00"), zone);
    const kpi::Slice one = kpi::slice(Grain::total, within[0], zone);
    ASSERT_EQ(one.hours.size(), 1u);
    EXPECT_EQ(one.hours[0].from, utc(2026, 11, 18, 10));
    EXPECT_EQ(one.hours[0].to, utc(2026, 11, 18, 12));
}

TEST(Calendar, MonthsAlignByTheCalendar) {
    // Day by day a missing day becomes the month's last; whole months meet whole months.
    EXPECT_EQ(pair_of(Compare::month, Grain::day, "2026-03-28", "2026-03-31", 3),
              "2026-02-28..2026-02-28");
    EXPECT_EQ(pair_of(Compare::month, Grain::day, "2024-03-28", "2024-03-31", 3),
              "2024-02-29..2024-02-29");
    EXPECT_EQ(pair_of(Compare::month, Grain::day, "2026-02-28", "2026-02-28", 0),
              "2026-01-28..2026-01-28");
    EXPECT_EQ(pair_of(Compare::month, Grain::month, "2026-02-01", "2026-02-28", 0),
              "2026-01-01..2026-01-31");
    EXPECT_EQ(pair_of(Compare::month, Grain::total, "2026-04-01", "2026-04-30", 0),
              "2026-03-01..2026-03-31");
    EXPECT_EQ(pair_of(Compare::month, Grain::total, "2026-03-01", "2026-03-30", 0),
              "2026-02-01..2026-02-28");
    EXPECT_EQ(pair_of(Compare::year, Grain::day, "2024-02-29", "2024-02-29", 0),
              "2023-02-28..2023-02-28");
    EXPECT_EQ(pair_of(Compare::year, Grain::month, "2025-02-01", "2025-02-28", 0),
              "2024-02-01..2024-02-29");
    EXPECT_EQ(pair_of(Compare::year, Grain::quarter, "2026-01-01", "2026-03-31", 0),
              "2025-01-01..2025-03-31");
}

TEST(Calendar, WeeksAlignByIsoNumber) {
    EXPECT_EQ(pair_of(Compare::year, Grain::week, "2026-11-23", "2026-11-29", 0),
              "2025-11-24..2025-11-30");
    // 2020 has a week 53, 2019 has not: 52 stands in.
    EXPECT_EQ(pair_of(Compare::year, Grain::week, "2020-12-28", "2021-01-03", 0),
              "2019-12-23..2019-12-29");
    EXPECT_EQ(pair_of(Compare::month, Grain::week, "2026-11-23", "2026-11-29", 0),
              "2026-10-26..2026-11-01");
    EXPECT_EQ(pair_of(Compare::week, Grain::week, "2021-01-04", "2021-01-10", 0),
              "2020-12-28..2021-01-03");
}

TEST(Calendar, PreviousIsThePeriodBefore) {
    EXPECT_EQ(pair_of(Compare::previous, Grain::day, "2026-11-01", "2026-11-10", 0),
              "2026-10-22..2026-10-22");
    EXPECT_EQ(pair_of(Compare::previous, Grain::total, "2026-11-01", "2026-11-10", 0),
              "2026-10-22..2026-10-31");
    EXPECT_EQ(pair_of(Compare::previous, Grain::total, "2026-03-01", "2026-03-31", 0),
              "2026-02-01..2026-02-28");
    EXPECT_EQ(pair_of(Compare::previous, Grain::month, "2026-03-01", "2026-04-30", 1),
              "2026-02-01..2026-02-28");
    EXPECT_EQ(pair_of(Compare::previous, Grain::week, "2026-11-09", "2026-11-22", 0),
              "2026-10-26..2026-11-01");
    EXPECT_EQ(pair_of(Compare::same_weekday, Grain::total, "2026-11-01", "2026-11-30", 0),
              "2026-09-27..2026-10-26");
    EXPECT_EQ(pair_of(Compare::same_weekday, Grain::day, "2026-11-01", "2026-11-30", 0),
              "2026-10-25..2026-10-25");
}

TEST(Calendar, WhatDoesNotFitIsRefused) {
    EXPECT_THROW(pair_of(Compare::week, Grain::month, "2026-11-01", "2026-11-30", 0), kpi::Error);
    EXPECT_THROW(pair_of(Compare::same_weekday, Grain::year, "2026-01-01", "2026-12-31", 0),
                 kpi::Error);
    EXPECT_THROW(pair_of(Compare::month, Grain::quarter, "2026-01-01", "2026-03-31", 0),
                 kpi::Error);
}

TEST(Calendar, AnOpenBucketMeetsTheSameTimeOfDay) {
    const kpi::Timestamp now = utc(2026, 11, 24, 15, 30);
    EXPECT_EQ(pair_of(Compare::week, Grain::day, "2026-11-23", "2026-11-24", 1, now),
              "2026-11-17 until 15:00+0.50");
    EXPECT_EQ(pair_of(Compare::week, Grain::day, "2026-11-23", "2026-11-24", 0, now),
              "2026-11-16..2026-11-16");
    EXPECT_EQ(pair_of(Compare::year, Grain::month, "2026-11-01", "2026-11-30", 0, now),
              "2025-11-01..2025-11-23 | 2025-11-24 until 15:00+0.50");
    EXPECT_EQ(pair_of(Compare::week, Grain::day, "2026-11-24", "2026-11-25", 1, now), "none");
    EXPECT_EQ(pair_of(Compare::week, Grain::hour, "2026-11-24", "2026-11-24", 15, now),
              "2026-11-17 until 15:00+0.50");
}

TEST(Calendar, SoFarLooksAtTheSameWeekday) {
    const kpi::Zone zone = plain();
    const kpi::Timestamp now = utc(2026, 11, 24, 15, 30);
    const auto day = kpi::bucket_at(Grain::day, now, zone);
    EXPECT_EQ(text(kpi::so_far(day, now, 2, zone), zone), "2026-11-10 until 15:00+0.50");
    const auto week = kpi::bucket_at(Grain::week, now, zone);
    EXPECT_EQ(text(kpi::so_far(week, now, 1, zone), zone),
              "2026-11-16..2026-11-16 | 2026-11-17 until 15:00+0.50");
}

TEST(Calendar, TheSameLocalTimeAcrossAShift) {
    const kpi::Zone zone = berlin();
    // 1 April 10:15 in summer time; a week earlier the clock was an hour behind.
    const kpi::Timestamp now = utc(2026, 4, 1, 8, 15);
    const auto day = kpi::bucket_at(Grain::day, now, zone);
    EXPECT_EQ(text(kpi::so_far(day, now, 1, zone), zone), "2026-03-25 until 10:00+0.25");
    EXPECT_EQ(kpi::so_far(day, now, 1, zone).hours[0].cut, utc(2026, 3, 25, 9));
}

TEST(Calendar, TotalHasNoBucketOfItsOwn) {
    EXPECT_THROW(kpi::bucket_at(Grain::total, utc(2026, 1, 1), plain()), kpi::Error);
    EXPECT_EQ(iso(kpi::bucket_at(Grain::quarter, utc(2026, 11, 24), plain()).day), "2026-10-01");
}

}  // namespace
