// Makes the rollup rows of a range of local days equal to what the facts view gives, in the
// caller's transaction and by one snapshot; the statement of a rebuild and of a first build.
//
// The caller holds the source's mutex, so that nobody else writes the rollups, and runs as the
// source's owner under work_mem as it may be used up. All that is written is of one transaction,
// and no statement of it runs between the first row and the last: every snapshot sees all of it or
// nothing. (Swapping in a fresh file would show its rows to nobody with an older snapshot, and
// empty rollups to them.) A row that is right is not touched, so that a rebuild of what is right
// writes nothing. A cancel or timeout ends every part of it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::rewrite {

// Days [from, to), since 2000-01-01; INT32_MIN and INT32_MAX: open.
struct Days {
    int32_t from = INT32_MIN, to = INT32_MAX;
};

struct Job {
    ObjectId delta, day, hour;  // tables
    Days days;
    int32_t hours_from = INT32_MIN;  // hours of earlier days are not kept
    std::vector<int> coarse;         // levels beside those of full segments
    // Whether the facts are read row by row, as capture sees them.
    bool by_trigger = true;
    // Further rows to be added, SELECTs of hour, day, n, the keys and the sums of a delta row.
    std::vector<std::string> more;
    // Whether the range has rollup rows.
    bool filled = false;
    // SELECTs ctid, level, hour and the other columns of `more` from the rollup of days or hours,
    // in some of the days.
    std::function<std::string(bool hourly, const Days &days)> existing;
};

struct Outcome {
    int64_t rows = 0;           // that were not right
    std::vector<int32_t> days;  // with such rows, at most `max_days` + 1 of them, in order
};

// Needs an open Spi and the pg::HeldSnapshot by which the deltas of the range were taken away.
// Errors: 55000 when registry and tables contradict each other; a data error in the facts of a
// window source; 40001 when somebody writes the rollups past the mutex.
Outcome rewrite(const Job &job, size_t max_days);

}  // namespace kpi::rewrite
