// Tables and rankings of a page.
#pragma once

#include "report/document.hpp"
#include "report/markup.hpp"
#include "report/numbers.hpp"

namespace kpi::report {

// Columns of numbers stand to the right; a change has its arrow. `name` is what a reader of the
// screen hears of it.
void write_table(Markup &out, const Document &document, const Table &table, std::string_view name);
// Each segment on a bar of its size, with numbers beside it: chart and table in one.
void write_ranking(Markup &out, const Document &document, const Ranking &ranking);
// A change with its arrow, coloured by whether it is good news.
void write_change(Markup &out, const ShownChange &change, Better better);

}  // namespace kpi::report
