#include "core/similar_names.hpp"

#include <gtest/gtest.h>

namespace {

TEST(Near, DistanceCountsEdits) {
    EXPECT_EQ(kpi::edit_distance("", "abc"), 3u);
    EXPECT_EQ(kpi::edit_distance("kitten", "sitting"), 3u);
    EXPECT_EQ(kpi::edit_distance("revenue", "revenue"), 0u);
}

TEST(Near, NamesWithinAThird) {
    EXPECT_EQ(kpi::near("revenu", {"revenue", "leads", "revenues"}), "\"revenue\" or \"revenues\"");
    EXPECT_EQ(kpi::near("ab", {"zz", "qq"}), "");
    EXPECT_EQ(kpi::near("lead", {"leads", "load", "bead", "leap"}),
              "\"bead\", \"leads\" or \"leap\"");
}

TEST(Near, ListQuotesEveryName) { EXPECT_EQ(kpi::quoted_list({"a", "b"}), "\"a\", \"b\""); }

}  // namespace
