// Every report in every format against test/unit/report/golden, so that a change of what people
// read is seen in review. To accept new output: KPI_GOLDEN=write, then read the diff. Pages are
// kept without their style sheet.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "report/csv.hpp"
#include "report/html.hpp"
#include "report/json.hpp"
#include "report/plain.hpp"
#include "unit/report/samples.hpp"

namespace {

using namespace kpi::report;

void expect_golden(const std::string &name, const std::string &text) {
    const std::string path = std::string(KPI_ROOT "/test/unit/report/golden/") + name;
    if (const char *mode = std::getenv("KPI_GOLDEN"); mode != nullptr && *mode == 'w') {
        std::ofstream(path, std::ios::binary) << text;
        return;
    }
    std::ifstream stream(path, std::ios::binary);
    const std::string golden(std::istreambuf_iterator<char>(stream), {});
    EXPECT_EQ(text, golden) << path;
}

std::string without_style(std::string page) {
    const size_t from = page.find("<style>"), to = page.find("</style>");
    return page.erase(from, to + 8 - from);
}

void expect_document(const std::string &name, Document (*make)(Language)) {
    for (const Language language : {Language::english, Language::spanish}) {
        const Document document = make(language);
        const std::string stem = name + "." + std::string(code(language));
        expect_golden(stem + ".html", without_style(html(document)));
        expect_golden(stem + ".mail.html", mail_html(document));
        expect_golden(stem + ".txt", plain(document, Extent::full));
    }
}

TEST(Golden, daily) {
    expect_document("daily", samples::daily);
    expect_golden("daily.en.digest.txt", plain(samples::daily(Language::english), Extent::digest));
    expect_golden("daily.csv", csv(*samples::daily(Language::english).data));
    expect_golden("daily.es.json", json(samples::daily(Language::spanish)));
}
TEST(Golden, weekly) {
    expect_document("weekly", samples::weekly);
    expect_golden("weekly.en.json", json(samples::weekly(Language::english)));
}
TEST(Golden, monthly) { expect_document("monthly", samples::monthly); }

TEST(Golden, all_null) { expect_document("all_null", samples::all_null); }
TEST(Golden, one_point) { expect_document("one_point", samples::one_point); }
TEST(Golden, flat) { expect_document("flat", samples::flat); }
TEST(Golden, negative) { expect_document("negative", samples::negative); }
TEST(Golden, empty) { expect_document("empty", samples::empty); }

}  // namespace
