// Rows of a statement handed out a key at a time, whatever its type: in the order of the key's
// hash, which the statement sorts by (within work_mem, beyond it on disk), keys that share a hash
// told apart by their type's equality. What is kept here is one key's rows and the segments.
// Lives no longer than the open Spi.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pg/rows.hpp"

namespace kpi::pg {

struct KeyEvent {
    int32_t step = 0;
    uint32_t segment = 0;  // numbered from 0 as they come; 0 for steps after the first
    int64_t at = 0;
    int64_t rows = 0;  // > 0
};

struct KeyRunState;

class KeyRuns {
public:
    // Columns: hash int8, in its order; step int4; at int8 or timestamptz; rows int8; the key; then
    // the `segment_keys` of the segment, which tell only rows of step 0 apart. `label`: SQL that
    // makes a segment's jsonb of its keys $1, $2 ... Read in the caller's snapshot.
    KeyRuns(std::string_view sql, const Params &params, int segment_keys, std::string label);
    ~KeyRuns();
    KeyRuns(const KeyRuns &) = delete;
    KeyRuns &operator=(const KeyRuns &) = delete;

    // The events of the next key, by step, segment and time; rows of one are added up, and those
    // that cancel are left out, so there may be none. False: there is no other key. Answers a
    // cancel. Errors: 53400 when one key has more events than work_mem holds.
    bool next(std::vector<KeyEvent> &events);

    size_t segments() const;
    // As jsonb, and all of them in jsonb's order. After the last key.
    std::vector<Value> labels() const;
    std::vector<uint32_t> in_order(const std::vector<Value> &labels) const;

private:
    KeyRunState *state_;
    std::string label_;
    int exceptions_;
};

// Errors: 53400 when `bytes` are more than work_mem; `what` needs them.
void check_work_memory(size_t bytes, const char *what);

}  // namespace kpi::pg
