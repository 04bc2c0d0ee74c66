// A document as plain text: the digest of Slack, the text part of a mail. The same layout every
// day: state of the data, figures, what is under way, sections in short, links. Charts are a line
// of blocks. Nothing is escaped: a sink escapes for its wire.
#pragma once

#include <string>

#include "report/document.hpp"

namespace kpi::report {

// digest: without tables of more than ten rows, without definitions.
enum class Extent : uint8_t { digest, full };

// Errors: those of sentence(), 22P02 for a number that is none.
std::string plain(const Document &document, Extent extent);

}  // namespace kpi::report
