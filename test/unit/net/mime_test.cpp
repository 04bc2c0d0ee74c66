// Messages as mail servers and readers must see them. Python's e-mail parser reads them back in
// test/wire/test_smtp.py.
#include "net/sink/smtp/mime.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace kpi::net::smtp {
namespace {

Letter letter() {
    Letter result;
    result.from = parse_mailbox("KPI Bot <kpi@example.com>");
    result.to = {parse_mailbox("ana@example.com")};
    result.subject = "Daily report";
    result.text = "Hello";
    result.id = "key-1";
    result.unix_time = 1795514400;  // 2026-11-24 10:00:00 UTC
    return result;
}

std::string sqlstate(const std::function<void()> &run) {
    try {
        run();
    } catch (const Error &error) {
        return error.sqlstate;
    }
    return "none";
}

TEST(Mime, APlainMessageIsExactlyThis) {
    EXPECT_EQ(compose(letter()),
              "Date: Tue, 24 Nov 2026 10:00:00 +0000\r\n"
              "From: KPI Bot <kpi@example.com>\r\n"
              "To: ana@example.com\r\n"
              "Subject: Daily report\r\n"
              "Message-ID: <key-1@example.com>\r\n"
              "Auto-Submitted: auto-generated\r\n"
              "MIME-Version: 1.0\r\n"
              "Content-Type: text/plain; charset=utf-8\r\n"
              "Content-Transfer-Encoding: quoted-printable\r\n"
              "\r\n"
              "Hello\r\n");
}

TEST(Mime, AttachmentsWrapTheAlternatives) {
    Letter all = letter();
    all.html = "<b>Hello</b>";
    all.attachments = {{"r.csv", "text/csv", "a,b\n"}};
    const std::string text = compose(all);
    const size_t mixed = text.find("multipart/mixed");
    const size_t alternative = text.find("multipart/alternative");
    const size_t plain = text.find("text/plain"), html = text.find("text/html");
    const size_t file = text.find("filename=\"r.csv\"");
    ASSERT_NE(file, std::string::npos);
    EXPECT_LT(mixed, alternative);
    EXPECT_LT(alternative, plain);
    EXPECT_LT(plain, html);  // the last alternative is the one that is preferred
    EXPECT_LT(html, file);
    EXPECT_NE(text.find("\r\n\r\nYSxiCg==\r\n--=_mixed_"), std::string::npos);
    EXPECT_EQ(text, compose(all));
}

TEST(Mime, SubjectsAreEncodedByWholeCharacters) {
    EXPECT_EQ(header_text("Informe día"), "=?UTF-8?B?SW5mb3JtZSBkw61h?=");
    EXPECT_EQ(header_text("=?UTF-8?B?YQ==?="), "=?UTF-8?B?PT9VVEYtOD9CP1lRPT0/PQ==?=");
    std::string longer = "x";
    for (int i = 0; i < 40; ++i) longer += "é";
    const std::string words = header_text(longer);
    // 45 bytes would end inside a character: "x" and 22 of two bytes each are 45, so 20 more follow
    EXPECT_EQ(words.find("\r\n "), 72u);
    longer.insert(0, "x");
    EXPECT_NE(header_text(longer).find("w6k=?="), std::string::npos);
}

TEST(Mime, NamesAreQuotedOrEncodedWhenTheyMustBe) {
    Letter one = letter();
    one.from = parse_mailbox("\"Ops, \\\"KPI\\\"\" <kpi@example.com>");
    EXPECT_EQ(one.from.name, "Ops, \"KPI\"");
    EXPECT_NE(compose(one).find("From: \"Ops, \\\"KPI\\\"\" <kpi@example.com>\r\n"),
              std::string::npos);
    one.from = parse_mailbox("Día <kpi@example.com>");
    EXPECT_NE(compose(one).find("From: =?UTF-8?B?RMOtYQ==?= <kpi@example.com>\r\n"),
              std::string::npos);
}

TEST(Mime, QuotedPrintableGuardsWhatServersChange) {
    EXPECT_EQ(quoted_printable("a=b"), "a=3Db");
    EXPECT_EQ(quoted_printable("end \nnext\t\r\nlast\rx"), "end=20\r\nnext=09\r\nlast\r\nx");
    EXPECT_EQ(quoted_printable(".\n..\nFrom me"), "=2E\r\n=2E.\r\n=46rom me");
    EXPECT_EQ(quoted_printable("\xC3\xA9"), "=C3=A9");
    EXPECT_EQ(quoted_printable(std::string(75, 'a')), std::string(75, 'a'));
    // a dot that wrapping moves to the start of a line is encoded too
    EXPECT_EQ(quoted_printable(std::string(75, 'a') + ".b"), std::string(75, 'a') + "=\r\n=2Eb");
    for (size_t n = 60; n < 90; ++n) {
        const std::string lines = quoted_printable(std::string(n, 'a') + "\xC3\xA9" + "tail");
        for (size_t at = 0; at < lines.size();) {
            const size_t end = std::min(lines.find("\r\n", at), lines.size());
            EXPECT_LE(end - at, 76u);
            at = end + 2;
        }
    }
}

TEST(Mime, NoTextBecomesAHeaderOfItsOwn) {
    Letter one = letter();
    one.subject = "x\r\nBcc: evil@example.com";
    EXPECT_EQ(sqlstate([&] { (void)compose(one); }), "22023");
    one = letter();
    one.attachments = {{"a\nb", "text/csv", ""}};
    EXPECT_EQ(sqlstate([&] { (void)compose(one); }), "22023");
    one.attachments = {{"a", "text/csv\r\nX: y", ""}};
    EXPECT_EQ(sqlstate([&] { (void)compose(one); }), "22023");
    one = letter();
    one.from.name = "a\nb";
    EXPECT_EQ(sqlstate([&] { (void)compose(one); }), "22023");
    for (const char *wrong :
         {"", "a", "a@", "@b", "a@b\r\nRCPT TO:<c@d>", "a@b>", "a b@c", "<a@b> c", "a..b@c",
          "a@b..c", "a@b, c@d", "\xC3\xA9@b", "a@-b@", "a@b c"})
        EXPECT_EQ(sqlstate([&] { (void)parse_mailbox(wrong); }), "22023") << wrong;
    for (const char *right : {"a@b", "a.b+c@d-e.f", "<a@b>", "X <a@[127.0.0.1]>", " a@b "})
        EXPECT_EQ(sqlstate([&] { (void)parse_mailbox(right); }), "none") << right;
}

TEST(Mime, FileNamesInAnyLanguage) {
    Letter one = letter();
    one.attachments = {{"día 1.csv", "text/csv", "x"}};
    EXPECT_NE(compose(one).find("filename*=UTF-8''d%C3%ADa%201.csv\r\n"), std::string::npos);
    one.attachments = {{std::string(256, 'a'), "text/csv", "x"}};
    EXPECT_EQ(sqlstate([&] { (void)compose(one); }), "22023");
}

}  // namespace
}  // namespace kpi::net::smtp
