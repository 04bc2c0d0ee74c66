#include "report/html.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

#include "report/markup.hpp"
#include "unit/report/samples.hpp"

namespace {

using namespace kpi::report;

// The kinds of elements that a browser would see, by the plain rule: "<" and a letter.
std::set<std::string> elements(const std::string &page) {
    std::set<std::string> out;
    for (size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1))
        if (at + 1 < page.size() && std::isalpha(static_cast<unsigned char>(page[at + 1])) != 0)
            out.insert(page.substr(at + 1, page.find_first_of(" >/", at + 1) - at - 1));
    return out;
}

size_t count(const std::string &page, std::string_view word) {
    size_t found = 0;
    for (size_t at = page.find(word); at != std::string::npos; at = page.find(word, at + 1))
        ++found;
    return found;
}

Document with_names(const std::string &name) {
    Document document = samples::daily(Language::english);
    document.environment = name;
    document.zone = name;
    document.metrics[0].title = name;
    document.notes = {Text(name)};
    document.sections[0].title = name;
    document.links = {{name, "https://x/"}, {name, "https://x/" + name + "\""}};
    document.definitions = {{"leads", name, name}};
    Ranking ranking{name, "leads", {{name, "5"}}};
    Table table({{"a", name}, {"b", name}});
    table.add_row({name, name});
    document.sections.push_back({"names", name, {ranking, table, Text(name)}});
    return document;
}

TEST(Html, no_name_becomes_an_element) {
    const std::string plain_page = html(with_names("plain")),
                      plain_mail = mail_html(with_names("plain"));
    EXPECT_TRUE(rc::check([&](const std::string &text) {
        const std::string name = "<b>" + text + "\"><img src=x onerror=alert(1)>" + text +
                                 "</title></style><script>" + text + "'--><svg/onload=1>";
        const std::string page = html(with_names(name)), mail = mail_html(with_names(name));
        RC_ASSERT(elements(page) == elements(plain_page));
        RC_ASSERT(elements(mail) == elements(plain_mail));
        RC_ASSERT(count(page, "<svg") == count(plain_page, "<svg"));
    }));
}

TEST(Html, needs_nothing_from_elsewhere) {
    const std::string page = html(samples::weekly(Language::english));
    for (const char *word :
         {"<script", "src=", "@import", "url(", "<link", "<iframe", "javascript:"})
        EXPECT_EQ(page.find(word), std::string::npos) << word;
    EXPECT_EQ(html(samples::daily(Language::english)).find("javascript:"), std::string::npos);
}

TEST(Html, is_the_same_bytes_again) {
    EXPECT_EQ(html(samples::weekly(Language::spanish)), html(samples::weekly(Language::spanish)));
}

TEST(Mail, has_no_drawing_and_fits) {
    for (const Language language : {Language::english, Language::spanish}) {
        const std::string mail = mail_html(samples::weekly(language));
        EXPECT_EQ(mail.find("<svg"), std::string::npos);
        EXPECT_LE(mail.size(), kMostMailBytes);
    }
    Document many = samples::large(1000, 2);
    for (int i = 0; i < 300; ++i)
        many.sections.push_back(samples::weekly(Language::english).sections[0]);
    for (int i = 0; i < 300; ++i)
        many.figures.push_back({"leads", "5", {{std::string(5000, '"'), "4"}}});
    many.notes.assign(200, std::string(100000, '<'));
    EXPECT_LE(mail_html(many).size(), kMostMailBytes);
}

TEST(Html, a_long_table_says_what_it_leaves_out) {
    const std::string page = html(samples::large(300, 2));
    EXPECT_NE(page.find("100 more rows are in the file with all data."), std::string::npos);
}

}  // namespace
