#include "core/digest.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace kpi {

TEST(Digest, KnownAnswers) {
    // FIPS 180-4 examples; RFC 1321, A.5; RFC 4231, test case 2
    EXPECT_EQ(hex(sha256("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(md5("abc")), "900150983cd24fb0d6963f7d28e17f72");
    EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Digest, Base64BothWays) {
    // RFC 4648, section 10
    for (const auto &[plain, text] : std::initializer_list<std::pair<const char *, const char *>>{
             {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}}) {
        EXPECT_EQ(to_base64(plain), text);
        EXPECT_EQ(from_base64(text), plain);
    }
    EXPECT_EQ(to_base64url(std::string_view("\xfb\xff\xfe", 3)), "-__-");
    EXPECT_EQ(to_base64url("f"), "Zg");
    EXPECT_THROW(from_base64("Zg="), Error);
    EXPECT_THROW(from_base64("!!!!"), Error);
}

}  // namespace kpi
