// The cells of tables as people read them, and the tables behind charts, rankings and figures.
#pragma once

#include "report/document.hpp"
#include "report/numbers.hpp"

namespace kpi::report {

bool is_numeric(Type type);

// The cells of a table as people read them.
class Cells {
public:
    // Both must outlive it. Errors: 22023 for a metric that the document does not know.
    Cells(const Document &document, const Table &table);
    std::string shown(size_t row, size_t column) const;
    // Of a cell of type change.
    Direction direction(size_t row, size_t column) const;
    // Of a number, a value or a change: the format of what changed.
    const Format &format(size_t row, size_t column) const;

private:
    const Document &document_;
    const Table &table_;
    std::optional<size_t> metric_column_;
};

// The numbers of a chart, of a ranking, of the headline figures (a row for each comparison).
// Columns that would be empty are left out.
Table table_of(const Document &document, const Chart &chart);
Table table_of(const Document &document, const Ranking &ranking);
Table table_of(const Document &document, const std::vector<Figure> &figures);

}  // namespace kpi::report
