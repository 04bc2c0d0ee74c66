// The words of a rule's incident: title and first line, in English and Spanish.
#pragma once

#include <string>
#include <vector>

#include "monitor/judge/notice.hpp"
#include "monitor/judge/verdict.hpp"

namespace kpi::monitor {

struct Story {
    Language language = Language::english;
    const Inquiry *question = nullptr;
    std::string metric, unit;
    std::string segment;  // "MX/facebook"; empty: the total
    Verdict verdict;
};

// "revenue MX is 18.2 % below expected", "leads is 12, below 25 by now"
std::string title_of(const Story &story);
// "12 so far (31 % of a usual day), expected 40 by now"
std::string figures_of(const Story &story);
// "revenue is low in 12 of 40 segments"
std::string title_of_many(const Story &story, int members, int series);
// Why a series is bad, good or unclear, for kpi.test_rule. English.
std::string why(const Story &story);

// The values of a JSON object, joined by "/"; of several for one dimension by "+".
std::string segment_text(const std::string &segment);
// 100 (value - expected) / |expected|; NaN without an expectation.
double change_pct(const Verdict &verdict);
// "Drivers: ", "Calendar: " and the like
std::string label(Language language, const char *english);

}  // namespace kpi::monitor
