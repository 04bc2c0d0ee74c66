#include "core/announcement.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kpi {
namespace {

using nlohmann::json;

constexpr size_t kPlenty = 7900;

TEST(Announcement, NamesSourcesWithTheirDaysOnceAndInOrder) {
    Announcement changes;
    EXPECT_TRUE(changes.empty());
    changes.add_source("pay", {"2026-02-02", "2026-02-01"});
    changes.add_source("pay", {"2026-02-01"});
    changes.add_source("lead", {"2026-02-03"});
    EXPECT_FALSE(changes.empty());
    EXPECT_EQ(
        json::parse(changes.payload(kPlenty)),
        json::parse(
            R"({"sources": {"lead": ["2026-02-03"], "pay": ["2026-02-01", "2026-02-02"]}, "views": []})"));
}

TEST(Announcement, DaysTooManyToNameStayUnnamedWhateverFollows) {
    Announcement changes;
    changes.add_source("pay", {"2026-02-01"});
    changes.add_source("pay", {});
    changes.add_source("pay", {"2026-02-02"});
    EXPECT_TRUE(json::parse(changes.payload(kPlenty))["sources"]["pay"].is_null());
}

TEST(Announcement, AViewAloneIsAChange) {
    Announcement changes;
    changes.add_view("public.\"My \\ view\"");
    EXPECT_FALSE(changes.empty());
    EXPECT_EQ(json::parse(changes.payload(kPlenty)),
              json({{"sources", json::object()}, {"views", {"public.\"My \\ view\""}}}));
}

// However many sources, the payload keeps its limit and gives up detail first, names last.
TEST(Announcement, ThePayloadKeepsItsLimit) {
    Announcement changes;
    for (int i = 0; i < 300; ++i) {
        changes.add_source("source_" + std::to_string(i), {"2026-02-01", "2026-02-02"});
        const std::string payload = changes.payload(kPlenty);
        ASSERT_LE(payload.size(), kPlenty);
        ASSERT_EQ(json::parse(payload)["sources"].size(), size_t(i) + 1);
    }
    EXPECT_TRUE(json::parse(changes.payload(kPlenty))["sources"]["source_0"].is_null());
    EXPECT_TRUE(json::parse(changes.payload(100))["sources"].is_null());
    EXPECT_LE(changes.payload(100).size(), 100U);
}

TEST(Announcement, IncidentsAreSaidWhenTheyChangedAndOnlyThen) {
    Announcement changes;
    EXPECT_FALSE(json::parse(changes.payload(kPlenty)).contains("incidents"));
    changes.set_incidents(0);
    EXPECT_FALSE(changes.empty());
    EXPECT_EQ(json::parse(changes.payload(kPlenty))["incidents"], 0);
}

// A database need not be UTF-8; the payload must be.
TEST(Announcement, BrokenTextIsReplaced) {
    Announcement changes;
    changes.add_view("public.caf\xe9");
    EXPECT_TRUE(json::accept(changes.payload(kPlenty)));
}

}  // namespace
}  // namespace kpi
