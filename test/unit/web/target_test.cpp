#include "web/target.hpp"

#include <gtest/gtest.h>

#include "web/http_error.hpp"

namespace kpi::web {
namespace {

std::string refused(std::string_view target) {
    try {
        parse_target(target);
        return "accepted";
    } catch (const HttpError &error) {
        return error.status == 400 ? error.code : "another status";
    }
}

TEST(WebTarget, IsDecoded) {
    const Target target = parse_target("/a%20b+c?x=1%2B1&y=a+b&x=&z");
    EXPECT_EQ(target.path, "/a b+c");
    const NamedTexts expected = {{"x", "1+1"}, {"y", "a b"}, {"x", ""}, {"z", ""}};
    EXPECT_EQ(target.parameters, expected);
    EXPECT_EQ(parse_target("http://host:80/p?q=1").path, "/p");
    EXPECT_EQ(parse_target("/m%C3%A9xico").path, "/m\xc3\xa9xico");
}

TEST(WebTarget, RefusesWhatIsNoText) {
    for (const char *target :
         {"", "a", "*", "/%", "/%4", "/%zz", "/%00", "/?a=%00", "/?%00=a", "/%c0%80", "/%ed%a0%80",
          "/%f5%80%80%80", "/%ff", "/\xff", "/a#b", "/?a=%0d%0a", "/%7f"})
        EXPECT_EQ(refused(target), "bad_url") << target;
    std::string many = "/?";
    for (int i = 0; i < 65; ++i) many += "a=1&";
    EXPECT_EQ(refused(many), "too_many_parameters");
}

}  // namespace
}  // namespace kpi::web
