// Making a report: read its numbers in one snapshot, write it, keep it. Needs an open Spi.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

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

struct Made {
    int64_t id = 0;  // in kpi.report
    Edition edition;
    report::Document document;
};
// Errors: 22023 for a kind, format, language or day; those of kpi.query; 40001.
int64_t make(ObjectId caller, const Wish &wish);
// `what` without its days. As the current role, who is the owner.
Made make(ObjectId owner, Edition what, const Scope &scope, const std::optional<Date> &as_of);

// What the edition says, in the snapshot of now.
report::Document contents(const Edition &edition, const Scope &scope);

}  // namespace kpi::reporting
