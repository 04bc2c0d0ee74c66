#include "net/text/text.hpp"

#include <gtest/gtest.h>

namespace kpi::net {

TEST(Text, PercentEncoding) {
    EXPECT_EQ(percent_encoded("aZ9-._~"), "aZ9-._~");
    EXPECT_EQ(percent_encoded("a/b c\xc3\xa9+"), "a%2Fb%20c%C3%A9%2B");
    EXPECT_EQ(percent_encoded("a/b~", "/"), "a/b%7E");
}

TEST(Text, Dates) {
    EXPECT_EQ(date_text(0), "Thu, 01 Jan 1970 00:00:00");
    EXPECT_EQ(date_text(1795515000), "Tue, 24 Nov 2026 10:10:00");
}

TEST(Text, LowerCaseIsAscii) { EXPECT_EQ(lower("ABz\xc3\x89"), "abz\xc3\x89"); }

TEST(Text, LengthsInCharactersAndInUnitsOfUtf16) {
    EXPECT_EQ(characters("größe"), 5);
    EXPECT_EQ(utf16_units("größe"), 5);
    EXPECT_EQ(characters("a\xF0\x9F\x98\x80"), 2);  // U+1F600
    EXPECT_EQ(utf16_units("a\xF0\x9F\x98\x80"), 3);
    EXPECT_EQ(characters(""), 0);
}

}  // namespace kpi::net
