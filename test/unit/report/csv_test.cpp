#include "report/csv.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "core/error.hpp"

namespace {

using namespace kpi::report;
using Row = std::vector<std::optional<std::string_view>>;

std::string one_text(std::string_view text) {
    Table table({{"name", std::string("Name")}});
    table.add_row({text});
    const std::string out = csv(table);
    return out.substr(6, out.size() - 8);
}

TEST(Csv, follows_the_rfc) {
    Table table({{"day", std::string(), Type::date},
                 {"segment", std::string()},
                 {"revenue", std::string(), Type::number}});
    table.add_row({"2026-02-28", "MX, \"north\"\n", "-12.50"});
    table.add_row({"2026-03-01", "", std::nullopt});
    table.add_row({"2026-03-02", std::nullopt, "NaN"});
    EXPECT_EQ(csv(table),
              "day,segment,revenue\r\n"
              "2026-02-28,\"MX, \"\"north\"\"\n\",-12.50\r\n"
              "2026-03-01,\"\",\r\n"
              "2026-03-02,,\r\n");
}

TEST(Csv, keeps_every_digit) {
    Table table({{"n", std::string(), Type::number}});
    table.add_row({"123456789012345678901234567890.123456789012345678"});
    EXPECT_EQ(csv(table), "n\r\n123456789012345678901234567890.123456789012345678\r\n");
}

TEST(Csv, lets_no_text_become_a_formula) {
    EXPECT_EQ(one_text("=1+1"), "\"'=1+1\"");
    EXPECT_EQ(one_text("+1"), "\"'+1\"");
    EXPECT_EQ(one_text("-1"), "\"'-1\"");
    EXPECT_EQ(one_text("@SUM(A1)"), "\"'@SUM(A1)\"");
    EXPECT_EQ(one_text("\t=1"), "\"'\t=1\"");
    EXPECT_EQ(one_text("\r=1"), "\"'\r=1\"");
    EXPECT_EQ(one_text("  =1"), "\"'  =1\"");
    EXPECT_EQ(one_text("a=1"), "a=1");
    EXPECT_EQ(one_text("año"), "año");
}

TEST(Csv, refuses_what_is_not_of_its_type) {
    Table number({{"n", std::string(), Type::number}});
    number.add_row({"=1+1"});
    EXPECT_THROW(csv(number), kpi::Error);
    Table day({{"d", std::string(), Type::date}});
    day.add_row({"=1+1"});
    EXPECT_THROW(csv(day), kpi::Error);
}

// A reader after the RFC, which is not how the writer is built.
std::vector<std::string> fields(const std::string &text) {
    std::vector<std::string> out(1);
    bool quoted = false;
    for (size_t i = 0; i < text.size(); ++i) {
        if (quoted && text[i] == '"' && i + 1 < text.size() && text[i + 1] == '"') {
            out.back() += text[i++];
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && (text[i] == ',' || text.compare(i, 2, "\r\n") == 0)) {
            if (text[i] == '\r') ++i;
            out.emplace_back();
        } else {
            out.back() += text[i];
        }
    }
    return out;
}

TEST(Csv, any_text_comes_back_and_none_is_a_formula) {
    EXPECT_TRUE(rc::check([](const std::vector<std::string> &names) {
        Table table({{"a", std::string()}});
        for (const std::string &name : names) table.add(name);
        const auto back = fields(csv(table));
        RC_ASSERT(back.size() == names.size() + 2);
        for (size_t i = 0; i < names.size(); ++i) {
            const std::string &field = back[i + 1];
            const bool guarded = field != names[i];
            RC_ASSERT(!guarded || field == "'" + names[i]);
            const size_t first = names[i].find_first_not_of(' ');
            RC_ASSERT(guarded ==
                      (first != std::string::npos &&
                       std::string("=+-@\t\r").find(names[i][first]) != std::string::npos));
        }
    }));
}

TEST(Table, keeps_nulls_and_empty_texts_apart) {
    Table table({{"a", std::string()}, {"b", std::string()}});
    table.add_row({"", std::nullopt});
    table.add_row({std::nullopt, "x"});
    table.add("unfinished");
    EXPECT_EQ(table.rows(), 2U);
    EXPECT_EQ(table.cell(0, 0), std::optional<std::string_view>(""));
    EXPECT_EQ(table.cell(0, 1), std::nullopt);
    EXPECT_EQ(table.cell(1, 0), std::nullopt);
    EXPECT_EQ(table.cell(1, 1), std::optional<std::string_view>("x"));
    EXPECT_THROW(table.add_row({"x"}), kpi::Error);
}

}  // namespace
