// What other programs read out of a workbook is in test/wire/test_report_files.py.
#include "report/xlsx.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <filesystem>

#include "core/error.hpp"
#include "core/utf8.hpp"
#include "report/sheet_names.hpp"
#include "unit/report/samples.hpp"

namespace {

using namespace kpi::report;

struct Folder {
    Folder() : path(std::filesystem::temp_directory_path() / "kpi_xlsx_test") {
        std::filesystem::create_directory(path);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;
    std::filesystem::path path;
};

TEST(Xlsx, is_the_same_bytes_again_and_leaves_nothing_behind) {
    const Folder folder;
    const Document document = samples::weekly(Language::spanish);
    const std::string one = xlsx(document, {folder.path, {}}), two = xlsx(document, {});
    EXPECT_EQ(one.substr(0, 2), "PK");
    EXPECT_TRUE(one == two);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path));
}

TEST(Xlsx, can_be_stopped_and_leaves_nothing_behind) {
    const Folder folder;
    const Document document = samples::large(100, 50);
    int breaths = 0;
    size_t seen = 0;
    const XlsxOptions options = {
        folder.path, [&] {
            for (const auto &file : std::filesystem::directory_iterator(folder.path))
                seen += file.exists() ? 1 : 0;
            if (++breaths == 3) throw kpi::Error("57014", "cancelled");
        }};
    const auto open_files = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    };
    const auto before = open_files();
    EXPECT_THROW(xlsx(document, options), kpi::Error);
    EXPECT_EQ(open_files(), before);
    EXPECT_EQ(seen, 0U);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path));
}

TEST(Xlsx, says_where_it_cannot_write) {
    try {
        xlsx(samples::empty(Language::english), {"/no/such/folder", {}});
        FAIL();
    } catch (const kpi::Error &error) {
        EXPECT_EQ(error.sqlstate, "58030");
        EXPECT_NE(error.hint.find("/no/such/folder"), std::string::npos);
    }
}

TEST(SheetNames, are_allowed_and_unique) {
    SheetNames names;
    EXPECT_EQ(names.next("Revenue [EUR]: a/b*c?\\"), "Revenue  EUR   a b c");
    EXPECT_EQ(names.next("'quoted'"), "quoted");
    EXPECT_EQ(names.next("History"), "History 1");
    EXPECT_EQ(names.next(""), "Sheet");
    EXPECT_EQ(names.next("***"), "Sheet 2");
    EXPECT_EQ(names.next("ÉTÉ"), "ÉTÉ");
    EXPECT_EQ(names.next("été"), "été 2");
    const std::string lengthy(40, 'x');
    EXPECT_EQ(names.next(lengthy), std::string(31, 'x'));
    EXPECT_EQ(names.next(lengthy), std::string(29, 'x') + " 2");
    EXPECT_EQ(names.next("😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀"), "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀");
}

TEST(SheetNames, of_any_texts_are_allowed) {
    EXPECT_TRUE(rc::check([](const std::vector<std::string> &titles) {
        SheetNames names;
        std::set<std::string> seen;
        for (const std::string &title : titles) {
            const std::string name = names.next(title);
            RC_ASSERT(!name.empty() && kpi::clipped(name, 31) == name);
            RC_ASSERT(name.find_first_of("[]:*?/\\") == std::string::npos);
            RC_ASSERT(name.front() != '\'' && name.back() != '\'');
            RC_ASSERT(seen.insert(name).second);
        }
    }));
}

}  // namespace
