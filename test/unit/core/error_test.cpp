#include "core/error.hpp"

#include <gtest/gtest.h>

namespace kpi {
namespace {

TEST(Error, KeepsWhatItWasGiven) {
    const Error error("22012", "division by zero", "The divisor is 0.", "Use nullif.");
    EXPECT_EQ(error.sqlstate, "22012");
    EXPECT_STREQ(error.what(), "division by zero");
    EXPECT_EQ(error.detail, "The divisor is 0.");
    EXPECT_EQ(error.hint, "Use nullif.");
}

TEST(Error, ItsClassIsTheFirstTwoCharacters) {
    EXPECT_EQ(Error("57014", "cancelled").error_class(), "57");
    EXPECT_EQ(Error("XX000", "bug").error_class(), "XX");
}

TEST(Error, OursDoesNotClaimToComeFromPostgres) {
    const Error error("22023", "no such grain");
    EXPECT_FALSE(error.origin.from_postgres);
    EXPECT_EQ(error.origin.cursor_position, 0);
    EXPECT_TRUE(error.detail.empty());
}

TEST(Error, IsCaughtAsAStandardException) {
    EXPECT_THROW(throw Error("53200", "out of memory"), std::exception);
}

}  // namespace
}  // namespace kpi
