#include "core/table.hpp"

#include <gtest/gtest.h>

namespace kpi {
namespace {

TEST(Table, IsEmptyWithoutRowsWhateverItsColumns) {
    Table table;
    table.columns = {"a", "b"};
    EXPECT_TRUE(table.empty());
    table.rows.push_back({"1", std::nullopt});
    EXPECT_FALSE(table.empty());
}

TEST(Table, NullIsNotTheEmptyText) {
    const Row row{std::nullopt, ""};
    EXPECT_FALSE(row[0].has_value());
    ASSERT_TRUE(row[1].has_value());
    EXPECT_EQ(*row[1], "");
}

// A literal must not become a bool, as const char * would in a variant that prefers built-in
// conversions.
TEST(Param, ALiteralIsText) {
    const Param param = std::string("x");
    EXPECT_TRUE(std::holds_alternative<std::string>(param));
    EXPECT_TRUE(std::holds_alternative<std::string>(Param{"x"}));
}

TEST(Param, NumbersKeepTheirKind) {
    EXPECT_TRUE(std::holds_alternative<int64_t>(Param{int64_t{1}}));
    EXPECT_TRUE(std::holds_alternative<double>(Param{1.5}));
    EXPECT_TRUE(std::holds_alternative<bool>(Param{true}));
    EXPECT_TRUE(std::holds_alternative<Null>(Param{}));
}

}  // namespace
}  // namespace kpi
