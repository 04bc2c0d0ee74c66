#include <gtest/gtest.h>
#include <zlib.h>

#include "core/error.hpp"
#include "web/body.hpp"
#include "web/guard.hpp"
#include "web/head.hpp"
#include "web/http_error.hpp"
#include "web/parameters.hpp"
#include "web/settings.hpp"
#include "web/sheet.hpp"
#include "web/sql_text.hpp"

namespace kpi::web {
namespace {

std::string code_of(const std::function<void()> &what) {
    try {
        what();
        return "accepted";
    } catch (const HttpError &error) {
        return error.parameter.empty() ? error.code : error.parameter + " " + error.code;
    }
}

TEST(WebParameters, AreReadByType) {
    Parameters given({{"n", "12"},
                      {"x", "0.5"},
                      {"c", "b"},
                      {"l", "a,,b,"},
                      {"m", "1"},
                      {"m", ""},
                      {"empty", ""}});
    EXPECT_EQ(given.number("n", 1, 20, 5), 12);
    EXPECT_EQ(given.number("other", 1, 20, 5), 5);
    EXPECT_EQ(given.real("x", 0, 1), 0.5);
    EXPECT_EQ(given.choice("c", {"a", "b"}, "a"), "b");
    EXPECT_EQ(given.list("l", ""), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(given.all("m"), (std::vector<std::string>{"1", ""}));
    EXPECT_EQ(given.text("empty"), std::nullopt);
    EXPECT_NO_THROW(given.refuse_others());
}

TEST(WebParameters, RefuseAndNameTheParameter) {
    for (const char *text : {"-1", "0", "21", "1.5", "1e1", " 1", "1 ", "0x1", "", "99999999999"}) {
        Parameters given(NamedTexts{{"n", text}});
        const std::string code = code_of([&] { given.number("n", 1, 20, 5); });
        EXPECT_EQ(code, *text ? "n bad_parameter" : "accepted") << text;
    }
    for (const char *text : {"0", "1", "nan", "inf", "-0.1"}) {
        Parameters given(NamedTexts{{"x", text}});
        EXPECT_EQ(code_of([&] { given.real("x", 0, 1); }), "x bad_parameter") << text;
    }
    Parameters twice(NamedTexts{{"a", "1"}, {"a", "1"}});
    EXPECT_EQ(code_of([&] { twice.text("a"); }), "a bad_parameter");
    Parameters unknown(NamedTexts{{"b", "1"}});
    EXPECT_EQ(code_of([&] { unknown.refuse_others(); }), "b unknown_parameter");
}

TEST(WebSqlText, QuotesEverything) {
    EXPECT_EQ(array_text({"a", "b\"c", "d\\e", ""}), R"({"a","b\"c","d\\e",""})");
    EXPECT_EQ(identifier("a\"; DROP"), "\"a\"\"; DROP\"");
    Parameters given(NamedTexts{{"country", "MX"}, {"country", ""}, {"filters", R"({"x": 1})"}});
    EXPECT_EQ(filters_of(given), R"({"country":["MX",null],"x":1})");
    Parameters broken(NamedTexts{{"filters", "[1]"}});
    EXPECT_EQ(code_of([&] { filters_of(broken); }), "filters bad_parameter");
}

TEST(WebGuard, AdmitsItsTokensOnly) {
    const Guard guard({"0123456789abcdef", "fedcba9876543210"}, "");
    EXPECT_TRUE(guard.admits("Bearer 0123456789abcdef"));
    EXPECT_TRUE(guard.admits("Bearer fedcba9876543210"));
    for (const char *wrong : {"", "Bearer", "Bearer ", "Bearer 0123456789abcde",
                              "Bearer 0123456789abcdef ", "bearer 0123456789abcdef"})
        EXPECT_FALSE(guard.admits(wrong)) << wrong;
    EXPECT_TRUE(Guard({}, "").admits(""));
}

TEST(WebGuard, BindsATokenToACookie) {
    const Guard guard({}, "a secret of sixteen");
    const std::string cookie = Guard::new_cookie();
    EXPECT_EQ(cookie.size(), 32U);
    EXPECT_NE(cookie, Guard::new_cookie());
    EXPECT_TRUE(guard.csrf_matches(cookie, guard.csrf_token(cookie)));
    EXPECT_FALSE(guard.csrf_matches(cookie, guard.csrf_token("other")));
    EXPECT_FALSE(guard.csrf_matches("", guard.csrf_token("")));
    EXPECT_EQ(Guard({}, "a secret of sixteen").csrf_token(cookie), guard.csrf_token(cookie));
    EXPECT_EQ(cookie_of("a=1; kpis_csrf=xyz; b=2", "kpis_csrf"), "xyz");
    EXPECT_EQ(cookie_of("xkpis_csrf=1", "kpis_csrf"), "");
}

TEST(WebHead, KnowsETags) {
    EXPECT_TRUE(names_etag("\"a\"", "\"a\""));
    EXPECT_TRUE(names_etag("\"b\", W/\"a\"", "\"a\""));
    EXPECT_TRUE(names_etag("W/\"a\"", "W/\"a\""));
    EXPECT_TRUE(names_etag("\"a\"", "W/\"a\""));
    EXPECT_TRUE(names_etag("*", "\"a\""));
    EXPECT_FALSE(names_etag("", "\"a\""));
    EXPECT_FALSE(names_etag("\"ab\"", "\"a\""));
}

TEST(WebBody, CompressesWhatIsWorthIt) {
    const Body large(std::string(100000, 'a'), kJson), small("{}", kJson),
        picture(std::string(100000, 'a'), "image/png");
    std::string back(100000, '\0');
    z_stream stream{};
    inflateInit2(&stream, 15 + 16);
    stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(large.gzip().data()));
    stream.avail_in = static_cast<uInt>(large.gzip().size());
    stream.next_out = reinterpret_cast<Bytef *>(back.data());
    stream.avail_out = static_cast<uInt>(back.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    inflateEnd(&stream);
    EXPECT_EQ(back, large.text());
    EXPECT_TRUE(small.gzip().empty() && picture.gzip().empty());
    EXPECT_NE(large.etag(), small.etag());
}

std::string sheet(const char *format, const std::vector<Cells> &rows) {
    std::string out;
    const auto made = make_sheet(format);
    made->head(
        {{Column::Kind::text, "a,b"}, {Column::Kind::number, "n"}, {Column::Kind::boolean, "yes"}},
        out);
    for (const Cells &row : rows) made->row(row, out);
    made->end(out);
    return out;
}

TEST(WebSheet, Csv) {
    EXPECT_EQ(
        sheet("csv", {{"x", "1.5", "t"},
                      {"say \"hi\"", "-2", std::nullopt},
                      {"=1+1", std::nullopt, "f"},
                      {"-a", "0", "t"}}),
        "\"a,b\",n,yes\r\nx,1.5,t\r\n\"say \"\"hi\"\"\",-2,\r\n\"'=1+1\",,f\r\n\"'-a\",0,t\r\n");
}

TEST(WebSheet, Json) {
    EXPECT_EQ(sheet("json", {{"\x01\"", "1.50", "t"}, {std::nullopt, "NaN", "f"}}),
              "[\n{\"a,b\":\"\\u0001\\\"\",\"n\":1.50,\"yes\":true},\n{\"a,b\":null,\"n\":null,"
              "\"yes\":false}\n]\n");
    EXPECT_EQ(sheet("json", {}), "[\n]\n");
}

TEST(WebSheet, XlsxHasTheSameBytesTwice) {
    const std::string first = sheet("xlsx", {{"=1", "1", "t"}});
    EXPECT_EQ(first, sheet("xlsx", {{"=1", "1", "t"}}));
    EXPECT_EQ(first.substr(0, 4), "PK\x03\x04");
}

std::string refused(std::map<std::string, std::string, std::less<>> variables) {
    try {
        read_settings([&](std::string_view name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            return found == variables.end() ? std::nullopt : std::optional(found->second);
        });
        return "";
    } catch (const Error &error) {
        return error.sqlstate == "22023" ? error.message.substr(0, error.message.find(':'))
                                         : error.sqlstate;
    }
}

TEST(WebSettings, AreCheckedWhenItStarts) {
    EXPECT_EQ(refused({}), "");
    EXPECT_EQ(refused({{"KPIS_PG_POOL", "0"}}), "KPIS_PG_POOL");
    EXPECT_EQ(refused({{"KPIS_PG_PORT", "70000"}}), "KPIS_PG_PORT");
    EXPECT_EQ(refused({{"KPIS_PG_DSN", "service=x"}, {"KPIS_PG_DB", "y"}}), "KPIS_PG_DB");
    EXPECT_EQ(refused({{"KPIS_WEB_LISTEN", "8080"}}), "KPIS_WEB_LISTEN");
    EXPECT_EQ(refused({{"KPIS_WEB_LISTEN", "0.0.0.0:8080"}}), "KPIS_WEB_LISTEN");
    EXPECT_EQ(refused({{"KPIS_WEB_LISTEN", "0.0.0.0:8080"}, {"KPIS_WEB_ANONYMOUS", "on"}}), "");
    EXPECT_EQ(refused({{"KPIS_WEB_LISTEN", "[::1]:8080"}}), "");
    EXPECT_EQ(refused({{"KPIS_WEB_TOKENS", "short"}}), "KPIS_WEB_TOKENS");
    EXPECT_EQ(refused({{"KPIS_WEB_READ_ONLY", "maybe"}}), "KPIS_WEB_READ_ONLY");
}

}  // namespace
}  // namespace kpi::web
