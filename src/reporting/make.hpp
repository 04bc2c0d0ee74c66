// Making a report: read its numbers in one snapshot, write it, keep it. Needs an open Spi.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/table.hpp"
#include "report/document.hpp"
#include "reporting/edition.hpp"
#include "reporting/scope.hpp"

namespace kpi::reporting {

// What is asked for; nullopt: the usual.
struct Wish {
    std::string report;  // daily, weekly, monthly, or the name of a plan
    std::optional<Date> as_of;
    std::optional<std::string> format, language;
};
// The id in kpi.report. Errors: 22023 for a kind, format, language or day; those of kpi.query;
// 40001; 54000 for one that takes longer than kpi.check_timeout to be written.
int64_t make(ObjectId caller, const Wish &wish);

struct File {
    int64_t id = 0;  // in kpi.report
    Edition edition;
    int version = 1;
};
struct Made {
    std::vector<File> files;  // one a format
    report::Document document;
};
// One report in some formats, all of them of the same numbers: what is asked of the database is
// asked once. `what` without its days and format. As the current role, who is the owner.
Made make(ObjectId owner, Edition what, const std::vector<std::string> &formats, const Scope &scope,
          const std::optional<Date> &as_of);

// What the edition says, in the snapshot of now. Of format csv: the data alone.
report::Document contents(const Edition &edition, const Scope &scope);

}  // namespace kpi::reporting
