// A document as a workbook: a sheet with the summary, one for each chart (with a native chart),
// ranking and table, one for the data; frozen headers, filters, real dates, numbers as numbers with
// the format of their metric.
//
// Every text is written as a string, never as a formula. A number is a double there, as in every
// spreadsheet: csv and json have all digits. The same document is the same bytes.
#pragma once

#include <string>

#include "report/document.hpp"

namespace kpi::report {

struct XlsxOptions {
    // Where the parts of a workbook are while it is written. They have no name there, so that
    // nothing stays whatever happens. The workbook itself is in memory.
    std::string folder = "/tmp";
    Breathe breathe = {};
};

// Errors: 58030 when a part cannot be written, 54000 beyond the 1,048,576 rows of a sheet, 22P02
// and 22007 for cells that are not of their type.
std::string xlsx(const Document &document, const XlsxOptions &options);

}  // namespace kpi::report
