// Which formulas are a rate, however they are written.
#include "core/quotient.hpp"

#include <gtest/gtest.h>

namespace {

TEST(Quotient, HoweverItIsWritten) {
    for (const char *text :
         {"a / b", "a/b", "1.0 * a / b", "a * 1.0 / b", "1 * a / nullif(b, 0)", "a / NULLIF(b,0)",
          "a::numeric / b", "(a) / (b)", "(a / b)", "round(a / b, 4)", "round(1.0 * a / b)",
          "coalesce(a / nullif(b, 0), 0)", "round(coalesce(a::numeric(12,2) / b, 0), 2)", "A / B",
          "\"a\" / \"b\"", "a / b::numeric"}) {
        const auto q = kpi::quotient_of(text);
        ASSERT_TRUE(q) << text;
        EXPECT_EQ(q->numerator, "a") << text;
        EXPECT_EQ(q->denominator, "b") << text;
        EXPECT_FALSE(q->is_percent) << text;
    }
    for (const char *text :
         {"100 * a / b", "100.0 * a / b", "a * 100 / b", "a * 100.0 / nullif(b, 0)", "a / b * 100",
          "100 * (a / b)", "round(100.0 * a / b, 1)"}) {
        const auto q = kpi::quotient_of(text);
        ASSERT_TRUE(q && q->is_percent) << text;
    }
}

TEST(Quotient, WhatIsNone) {
    for (const char *text :
         {"a", "a * b", "a + b", "a / b / c", "a / (b + c)", "(a + b) / c", "1000 * a / b", "a / 2",
          "1 / b", "a / b - 1", "abs(a / b)", "a / nullif(b, 1)", "a / 0", "", "a /", "a / b c",
          "nullif(a, 0) / b", "a % b", "greatest(a, 1) / b"})
        EXPECT_FALSE(kpi::quotient_of(text)) << text;
}

}  // namespace
