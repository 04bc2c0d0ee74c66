#include "report/catalogue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "core/error.hpp"
#include "report/sentence.hpp"

namespace {

using namespace kpi::report;

std::multiset<std::string> places(std::string_view words) {
    static const std::regex place("\\{([a-z_]+)\\}");
    const std::string text(words);
    return {std::sregex_token_iterator(text.begin(), text.end(), place, 1), {}};
}

TEST(Catalogue, has_every_sentence_in_both_languages_with_the_same_places) {
    for (const Entry &entry : catalogue()) {
        EXPECT_FALSE(entry.english.one.empty()) << entry.key;
        EXPECT_FALSE(entry.spanish.one.empty()) << entry.key;
        EXPECT_EQ(entry.english.many.empty(), entry.spanish.many.empty()) << entry.key;
        const auto wanted = places(entry.english.one);
        EXPECT_EQ(places(entry.spanish.one), wanted) << entry.key;
        for (const std::string_view many : {entry.english.many, entry.spanish.many}) {
            if (many.empty()) continue;
            EXPECT_TRUE(wanted.contains("count")) << entry.key;
            EXPECT_EQ(places(many), wanted) << entry.key;
        }
    }
}

TEST(Catalogue, is_sorted_so_that_every_key_is_found) {
    for (const Entry &entry : catalogue()) EXPECT_EQ(entry_of(entry.key).key, entry.key);
}

// A key is a word in quotes after one of the doors to the catalogue.
TEST(Catalogue, has_every_key_that_the_sources_name) {
    static const std::regex named("(?:Phrase\\{|phrase\\(|words\\(|entry_of\\()\"([a-z_]+)\"");
    size_t seen = 0;
    for (const auto &file : std::filesystem::recursive_directory_iterator(KPI_ROOT "/src")) {
        if (file.path().extension() != ".cpp") continue;
        std::ifstream stream(file.path());
        const std::string text(std::istreambuf_iterator<char>(stream), {});
        if (text.find("report/") == std::string::npos) continue;
        for (std::sregex_iterator it(text.begin(), text.end(), named), end; it != end; ++it) {
            ++seen;
            EXPECT_NO_THROW(entry_of((*it)[1].str())) << file.path() << ": " << (*it)[1];
        }
    }
    EXPECT_GT(seen, 20U);
}

TEST(Catalogue, refuses_keys_and_arguments_that_are_not_there) {
    EXPECT_THROW(sentence(phrase("no_such_sentence"), Language::english), kpi::Error);
    EXPECT_THROW(sentence(Phrase{"versus_day", {}}, Language::english), kpi::Error);
}

TEST(Sentence, chooses_singular_and_plural) {
    const auto said = [](int64_t count, Language language) {
        return sentence(Phrase{"incidents_open", {{"count", count}}}, language);
    };
    EXPECT_EQ(said(1, Language::english), "1 open incident");
    EXPECT_EQ(said(0, Language::english), "0 open incidents");
    EXPECT_EQ(said(1, Language::spanish), "1 incidente abierto");
    EXPECT_EQ(said(12000, Language::spanish), "12.000 incidentes abiertos");
}

TEST(Sentence, leaves_literals_as_they_are) {
    EXPECT_EQ(sentence(std::string("{metric} <b>"), Language::spanish), "{metric} <b>");
}

TEST(Sentence, does_not_fill_places_of_its_arguments) {
    EXPECT_EQ(sentence(Phrase{"versus_day", {{"day", std::string("{day}")}}}, Language::english),
              "vs {day}");
}

}  // namespace
