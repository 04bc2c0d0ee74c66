// Charts as inline SVG that stretches with the page: curves in an inner picture that is stretched,
// words and dots in an outer one that is not, so that they are as readable on a phone as on paper.
// Colours are classes of the style sheet; nothing is told by colour alone.
#pragma once

#include "report/document.hpp"
#include "report/markup.hpp"

namespace kpi::report {

// With a legend where there is more than a line. Says so when there are no values.
void draw_chart(Markup &out, const Document &document, const Chart &chart);
// A line without words; nothing when there are fewer than two values.
void draw_sparkline(Markup &out, const std::vector<std::optional<Decimal>> &values);

}  // namespace kpi::report
