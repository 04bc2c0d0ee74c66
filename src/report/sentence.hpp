// A Text in a language, as plain text: no markup, nothing escaped.
#pragma once

#include "report/text.hpp"

namespace kpi::report {

// Errors: 22023 for a key that the catalogue does not have, or an argument that is missing; 22P02
// for an amount that is no number.
std::string sentence(const Text &text, Language language);

}  // namespace kpi::report
