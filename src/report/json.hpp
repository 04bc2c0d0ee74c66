// A document as JSON, for programs: everything in it, keys in a fixed order, no language but that
// of its sentences. Numbers are JSON numbers with the digits that they came with; NULL, NaN and
// infinities are null. Dates are ISO.
#pragma once

#include <string>

#include "report/document.hpp"

namespace kpi::report {

// Errors: those of sentence(), 22P02 for a number that is none.
std::string json(const Document &document, const Breathe &breathe = {});

}  // namespace kpi::report
