#include "net/wire/egress.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace kpi::net {
namespace {

using Verdict = Egress::Verdict;

bool allows(const char *patterns, const char *host, const char *address) {
    const Egress egress(patterns);
    return egress.allows(*parse_address(address), egress.judge_name(host));
}

}  // namespace

TEST(Egress, EmptyAllowsNothing) {
    EXPECT_EQ(Egress("").judge_name("example.com"), Verdict::refused);
    EXPECT_EQ(Egress(" , ").judge_name("127.0.0.1"), Verdict::refused);
}

TEST(Egress, Names) {
    const Egress egress("hooks.slack.com, *.Example.com !bad.example.com");
    EXPECT_EQ(egress.judge_name("HOOKS.slack.com."), Verdict::allowed);
    EXPECT_EQ(egress.judge_name("a.b.example.com"), Verdict::allowed);
    EXPECT_EQ(egress.judge_name("example.com"), Verdict::refused);
    EXPECT_EQ(egress.judge_name("evilexample.com"), Verdict::refused);
    EXPECT_EQ(egress.judge_name("bad.example.com"), Verdict::refused);
}

TEST(Egress, Blocks) {
    EXPECT_TRUE(allows("10.0.0.0/8", "db.internal", "10.200.3.4"));
    EXPECT_FALSE(allows("10.0.0.0/8", "db.internal", "11.0.0.1"));
    EXPECT_TRUE(allows("10.0.0.0/8", "10.1.1.1", "10.1.1.1"));
    EXPECT_TRUE(allows("2001:db8::/32", "x", "2001:db8::1"));
    EXPECT_FALSE(allows("2001:db8::/32", "x", "2001:db9::1"));
    EXPECT_FALSE(allows("* !10.0.0.0/8", "db.internal", "10.200.3.4"));
    EXPECT_TRUE(allows("* !10.0.0.0/8", "db.internal", "192.0.2.1"));
}

// An IPv4 address in the clothes of IPv6 is the same place.
TEST(Egress, DisguisedAddresses) {
    for (const char *address : {"10.0.0.1", "::ffff:10.0.0.1", "::ffff:a00:1", "64:ff9b::a00:1",
                                "2002:a00:1::", "::10.0.0.1"})
        EXPECT_FALSE(allows("* !10.0.0.0/8", "x", address)) << address;
}

TEST(Egress, MetadataIsNeverReachable) {
    for (const char *address :
         {"169.254.169.254", "::ffff:a9fe:a9fe", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
          "2002:a9fe:a9fe::", "fe80::1", "fd00:ec2::254", "fd20:ce::254", "0.0.0.0",
          "::", "255.255.255.255", "224.0.0.1", "ff02::1"}) {
        EXPECT_FALSE(allows("*", "x", address)) << address;
        EXPECT_FALSE(allows("*, 169.254.0.0/16, ::/0, 0.0.0.0/0", "x", address)) << address;
    }
    EXPECT_TRUE(allows("*", "x", "::1"));
    EXPECT_TRUE(allows("*", "x", "127.0.0.1"));
}

TEST(Egress, BadPatterns) {
    for (const char *pattern :
         {"http://x", "a b/c", "10.0.0.0/33", "10.0.0.0/x", "*x", "!", "ex*mple"})
        EXPECT_THROW(Egress{pattern}, Error) << pattern;
}

}  // namespace kpi::net
