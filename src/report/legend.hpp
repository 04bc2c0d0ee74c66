// What a chart says in words: its legend, the description for those who do not see it, its tips.
#pragma once

#include "report/document.hpp"
#include "report/markup.hpp"

namespace kpi::report {

// The value lies outside of what was expected.
bool is_outside(const Point &point);
// Each kind of mark with its name; nothing for a line alone.
void draw_legend(Markup &out, const Document &document, const Chart &chart);
// "Line chart of revenue, 2–8 Mar 2024: lowest 1.2K, highest 3.4K. ..."
std::string chart_words(const Document &document, const Chart &chart);
// "Tue 5 Mar 2024: €1,234.50 (expected €1.1K to €1.4K)"
std::string point_words(const Document &document, const Chart &chart, const Metric &metric,
                        const Point &point);

}  // namespace kpi::report
