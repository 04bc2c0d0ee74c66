// The transaction-local accumulator: per (sub)transaction level and source, the sums of what
// changed, keyed by (hour, day, dimension bytes). Levels are created lazily, merged upward on
// release and dropped on rollback; once the transaction is about to end, one row per key goes to
// the source's delta table.
#pragma once

#include "core/expected_weeks.hpp"
#include "engine/capture/evaluator.hpp"

namespace kpi::capture {

// One key. The sums and the key bytes follow the struct.
struct Entry {
    LocalHour bucket;
    uint32 hash;
    int32 rows;  // added minus removed
    int32 key_length;
    Sum *sums() { return reinterpret_cast<Sum *>(this + 1); }
    char *key(int measures) { return reinterpret_cast<char *>(sums() + measures); }
};
static_assert(std::is_trivially_copyable_v<Entry> && std::is_trivially_copyable_v<Sum>);
static_assert(sizeof(Entry) % MAXIMUM_ALIGNOF == 0);

// What one level changed in one source.
struct Changes {
    MemoryContext context;  // entries, sums and slots
    Oid delta;
    const char *source;
    int dimensions, measures, counted;
    Entry **slots;  // open addressing, capacity a power of two
    int capacity, count;
    bool full;  // a key's row count nears 32 bits: write before the next row
    Changes *next;
};

// A data error that kept rows from contributing; kept per distinct SQLSTATE and message.
struct Failure {
    const char *source;
    int sqlstate;
    const char *message;
    int64 rows;
    Failure *next;
};

// A source that this level has marked dirty.
struct Mark {
    const char *source;
    Mark *next;
};

// One transaction nesting level that changed something.
struct Level {
    MemoryContext context;
    int nest;
    Changes *changes;
    Failure *failures;
    Mark *marks;
    int failure_count;
    Level *outer;
};

Changes *make_changes(Level *level, const Evaluator *evaluator);
Changes *find_changes(Level *level, Oid delta);
void apply(Changes *changes, const Contribution &row, int sign);
void note_failure(Level *level, const char *source, int sqlstate, const char *message, int64 rows);
// False when the level has the mark already.
bool note_mark(Level *level, const char *source);
// Moves everything of `inner` into `outer`; the cost is proportional to `inner`.
void merge_levels(Level *outer, Level *inner);

// Calls visit(entry) for each key that is not zero, and for those of days that are not young: where
// nothing is left of an hour's change, a row may still have moved within the hour, and what is kept
// of its minutes must go. A row of zeros says so.
template <class F>
void each_entry(Changes *changes, F visit) {
    for (int i = 0; i < changes->capacity; ++i) {
        Entry *entry = changes->slots[i];
        if (entry == nullptr) continue;
        bool zero = entry->rows == 0;
        for (int m = 0; zero && m < changes->measures; ++m) zero = is_zero(entry->sums()[m]);
        if (!zero || entry->bucket.hour < GetCurrentTimestamp() - kYoungDays * USECS_PER_DAY)
            visit(entry);
    }
}
void clear(Changes *changes);

}  // namespace kpi::capture
