// The lines of a document that the writers for people have in common, as plain text in its
// language.
#pragma once

#include "report/document.hpp"
#include "report/numbers.hpp"

namespace kpi::report {

// http:// or https://, and nothing that could end an attribute or a line.
bool is_web(std::string_view url);
// With a capital at the beginning of a line: "Week 53 of 2020". Names of days and months, which
// begin with a letter of ASCII in both languages.
std::string capitalised(std::string words);

// The first line of everything: title, environment, period, how far the data reaches.
std::vector<std::string> headline_parts(const Document &document);
// What must be known before the numbers: a restatement, the notes.
std::vector<Text> state_of(const Document &document);
// "▼ −18.2 % vs Tue 5 Mar (152.2K)"
std::string comparison_words(const Document &document, const Metric &metric, const Figure &figure,
                             const Comparison &comparison);
// What else is known of a figure: expected range, share, target.
std::vector<std::string> figure_words(const Document &document, const Metric &metric,
                                      const Figure &figure);
// "Revenue 38.0K, on pace"
std::string pace_words(const Document &document, const Figure &figure);
// "Tue 12 Mar 2024 so far (31 % elapsed, until ...)"
std::string open_words(const Document &document);
// Severity, title, since, duration or open, owner, note; what is not known is left out.
std::vector<std::string> event_words(const Document &document, const Event &event);
// "▲ ", "▼ " or nothing: a change is never told by colour alone.
std::string arrow(Direction direction);

}  // namespace kpi::report
