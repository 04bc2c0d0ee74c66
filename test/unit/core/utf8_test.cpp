#include "core/utf8.hpp"

#include <gtest/gtest.h>

namespace kpi {

TEST(Utf8, what_no_format_can_hold_is_replaced) {
    EXPECT_EQ(clean("año €😀\t\n"), "año €😀\t\n");
    EXPECT_EQ(clean("a\x01"
                    "b\x7f\xff\xc0\xaf"),
              "a\uFFFDb\uFFFD\uFFFD\uFFFD\uFFFD");
    EXPECT_EQ(clean("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");
    EXPECT_EQ(clean("\xe2\x82"), "\uFFFD\uFFFD");
    EXPECT_EQ(clipped("año nuevo", 3), "añ…");
    EXPECT_EQ(clipped("año", 3), "año");
}

TEST(Utf8, is_known) {
    EXPECT_TRUE(is_utf8("a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80\x01\x7f"));
    for (const char *bad :
         {"\xc3", "\xc3(", "\xe6\x97", "\xf0\x80\x80\x80", "\xe0\x9f\xbf", "\xc1\xbf",
          "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\x80"})
        EXPECT_FALSE(is_utf8(bad)) << bad;
}

TEST(Utf8, what_is_no_character_is_replaced) {
    // Sheets with U+FFFE or U+FFFF are refused by spreadsheets; C1 controls by XML 1.1 readers.
    EXPECT_EQ(clean("a\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd\xc2\x85z"),
              "a\uFFFD\uFFFD\uFFFD\uFFFDz");
}

}  // namespace kpi
