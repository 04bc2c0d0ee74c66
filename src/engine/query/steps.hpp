// Distinct counts of several sources as steps of one key: which customers of the first are among
// those of the next, and when. Read from the values that the sources keep, by day or by hour, in
// the caller's snapshot: rollup, deltas, own changes and facts, as kpi.query reads them. Needs an
// open Spi.
#pragma once

#include <string>
#include <vector>

#include "engine/query/branches.hpp"

namespace kpi::engine {

struct Step {
    std::string metric;
    SourceUse use;  // its one counted measure is the step's
    std::vector<Filter> filters;

    const CountedInfo &counted() const { return use.counted[0]; }
};

struct Steps {
    std::vector<Step> steps;
    std::vector<std::string> by;  // dimensions of the first step
    ObjectId owner;               // of every source
    std::string zone;             // likewise
    Timestamp now;
};

// `filters`: a JSON object, for the first step; or a JSON array, an object a step. Checks the
// caller's right on every facts view. Errors: 42704 unknown metric; 22023 for a metric that counts
// no distinct values, an unknown dimension, filters that are not understood; 42501 no right; 42804
// for keys of different types; 55000 for different zones; 0A000 for different owners.
Steps load_steps(const std::vector<std::string> &metrics, const std::string &filters,
                 const std::vector<std::string> &by);

enum class Resolution { hour, day };
std::string_view name(Resolution resolution);

// How exactly the days from `first` on can be told without reading facts that the rollups hold.
Resolution resolution_of(const Steps &steps, Date first);
// Errors: 22023 for another word; 55000 when hours are asked for that nobody knows any more.
Resolution parse_resolution(const std::string &word, const Steps &steps, Date first);

// [from, to): whole days or hours.
struct StepRange {
    Date first, last;    // both included
    Timestamp from, to;  // of hours
};

// Rows for pg::KeyRuns with the step's number and its time: the start of the hour as a Timestamp,
// or the day as a Date. To be run as the owner.
Statement steps_statement(const Steps &steps, const std::vector<StepRange> &ranges,
                          Resolution resolution);

// Errors: 54000 for a range of more than a hundred years, whose days are too many to list.
void check_length(Date first, Date last);

// SQL of a segment's jsonb, of its dimensions as $1, $2 ...
std::string segment_label(const std::vector<std::string> &by);

// The first day on which the step has a row. nullopt: there is none. To be run as the owner.
std::optional<Date> first_day(const Step &step);

}  // namespace kpi::engine
