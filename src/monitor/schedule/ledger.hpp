// The ledger kpi.run: what has become due, who runs it, what came of it. Each function is part of
// one transaction of its caller's. Needs an open Spi, as the extension's owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/table.hpp"

namespace kpi::monitor {

// Enters what has become due since the last look, once for each job however much has passed, and
// what was missed. no: a heartbeat that nobody has scheduled in this database (it was restored from
// a dump) stays silent, lest it vouch for the original.
enum class Arm { no, yes };
void plan(Arm arm = Arm::no);

struct Run {
    int64_t id = 0;
    std::string job, kind;
    ObjectId owner;
    int attempt = 0;
    std::vector<std::string> sinks;
};
// The next run to be performed, now the caller's. `job`: only of that one.
std::optional<Run> claim(const std::optional<std::string> &job);
// At the beginning of each transaction of a run: holds its row, so that everybody knows that it
// goes on. False: somebody else has taken it over.
bool hold(const Run &run);

struct Performed {
    std::optional<int64_t> rows;
    std::string note;
};
void settle(const Run &run, const Performed &performed);
// A passing hindrance: it waits for another attempt.
void settle_failed(const Run &run, const Error &error);

}  // namespace kpi::monitor
