// The reports that were made: table kpi.report. Needs an open Spi; writes as the extension's owner.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/table.hpp"
#include "reporting/edition.hpp"

namespace kpi::reporting {

// Until the end of the transaction nobody else makes this report for this role. Taken before the
// snapshot of its numbers, lest a later version hold older ones.
void hold(ObjectId owner, const Edition &edition);
// The report as it is written when it is of that version: above 1 it may say what it restates.
using Written = std::function<std::string(int version)>;
// Its id: of the latest version when that has the same bytes, else of a new one.
// Errors: 40001 when the transaction's snapshot is older than the latest version.
int64_t keep(ObjectId owner, const Edition &edition, const Written &written);

// Errors: 42704 for an unknown id, 42501 for a report of somebody else's.
std::string content(ObjectId caller, int64_t id);

// Deletes some of those made more than kpi.report_retention days ago. Returns whether there may be
// more.
bool forget_old_reports();

}  // namespace kpi::reporting
