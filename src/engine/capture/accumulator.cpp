#include "engine/capture/accumulator.hpp"

namespace kpi::capture {
namespace {

constexpr int kFirstCapacity = 8;
constexpr int32 kMaxRows = PG_INT32_MAX / 2;  // a delta row counts in 32 bits
// distinct messages a level keeps; further ones are counted under one
constexpr int kMaxFailures = 50;

uint32 hash_of(const LocalHour &bucket, const char *key, int length) {
    const uint32 h =
        length > 0 ? hash_bytes(reinterpret_cast<const unsigned char *>(key), length) : 0;
    return hash_combine(
        h, murmurhash32(uint32(bucket.hour / USECS_PER_MINUTE) ^ (uint32(bucket.day) << 16)));
}

// The slot of the key, or the empty slot where it belongs.
Entry **find_slot(Changes *changes, const LocalHour &bucket, const char *key, int length,
                  uint32 hash) {
    const auto mask = uint32(changes->capacity - 1);
    for (uint32 i = hash & mask;; i = (i + 1) & mask) {
        Entry *entry = changes->slots[i];
        if (entry == nullptr) return &changes->slots[i];
        if (entry->hash == hash && entry->bucket.hour == bucket.hour &&
            entry->bucket.day == bucket.day && entry->key_length == length &&
            memcmp(entry->key(changes->measures), key, size_t(length)) == 0)
            return &changes->slots[i];
    }
}

void resize(Changes *changes, int capacity) {
    Entry **old = changes->slots;
    const int old_capacity = changes->capacity;
    changes->slots = static_cast<Entry **>(
        MemoryContextAllocZero(changes->context, sizeof(Entry *) * size_t(capacity)));
    changes->capacity = capacity;
    const auto mask = uint32(capacity - 1);
    for (int i = 0; i < old_capacity; ++i) {
        if (old[i] == nullptr) continue;
        uint32 at = old[i]->hash & mask;
        while (changes->slots[at] != nullptr) at = (at + 1) & mask;
        changes->slots[at] = old[i];
    }
    if (old != nullptr) pfree(old);
}

Entry *entry_of(Changes *changes, const LocalHour &bucket, const char *key, int length,
                uint32 hash) {
    if (changes->capacity == 0) resize(changes, kFirstCapacity);
    Entry **slot = find_slot(changes, bucket, key, length, hash);
    if (*slot != nullptr) return *slot;
    if ((changes->count + 1) * 4 > changes->capacity * 3) {
        resize(changes, changes->capacity * 2);
        slot = find_slot(changes, bucket, key, length, hash);
    }
    const size_t size = sizeof(Entry) + sizeof(Sum) * size_t(changes->measures) + size_t(length);
    auto *entry = static_cast<Entry *>(MemoryContextAllocZero(changes->context, size));
    entry->bucket = bucket;
    entry->hash = hash;
    entry->key_length = length;
    memcpy(entry->key(changes->measures), key, size_t(length));
    *slot = entry;
    changes->count++;
    return entry;
}

Entry *count_row(Changes *changes, const LocalHour &bucket, const Key &key, int sign) {
    const uint32 hash = hash_of(bucket, key.bytes, key.length);
    Entry *entry = entry_of(changes, bucket, key.bytes, key.length, hash);
    entry->rows += sign;
    changes->full |= std::abs(entry->rows) > kMaxRows;
    return entry;
}

}  // namespace

Changes *make_changes(Level *level, const Evaluator *evaluator) {
    MemoryContext context =
        AllocSetContextCreate(level->context, "kpi changes", ALLOCSET_SMALL_SIZES);
    auto *changes = static_cast<Changes *>(MemoryContextAllocZero(level->context, sizeof(Changes)));
    changes->context = context;
    changes->delta = evaluator->source->delta;
    changes->source = MemoryContextStrdup(TopTransactionContext, evaluator->source->name);
    changes->dimensions = evaluator->source->dimensions;
    changes->measures = evaluator->source->measures;
    changes->counted = evaluator->source->counted;
    changes->next = level->changes;
    level->changes = changes;
    return changes;
}

Changes *find_changes(Level *level, Oid delta) {
    for (Changes *changes = level->changes; changes != nullptr; changes = changes->next)
        if (changes->delta == delta) return changes;
    return nullptr;
}

void apply(Changes *changes, const Contribution &row, int sign) {
    Entry *entry = count_row(changes, row.bucket, row.key, sign);
    // A value only counts its rows: its entry has sums of nothing.
    for (int v = 0; v < changes->counted; ++v)
        if (row.values[v].length > 0) count_row(changes, row.bucket, row.values[v], sign);
    for (int m = 0; m < changes->measures; ++m)
        add(entry->sums()[m], row.measures[m], sign, changes->context);
}

void note_failure(Level *level, const char *source, int sqlstate, const char *message, int64 rows) {
    for (Failure *failure = level->failures; failure != nullptr; failure = failure->next) {
        if (failure->sqlstate != sqlstate || strcmp(failure->message, message) != 0 ||
            strcmp(failure->source, source) != 0)
            continue;
        failure->rows += rows;
        return;
    }
    if (level->failure_count >= kMaxFailures && strcmp(message, "further errors") != 0) {
        note_failure(level, source, sqlstate, "further errors", rows);
        return;
    }
    auto *failure = static_cast<Failure *>(MemoryContextAllocZero(level->context, sizeof(Failure)));
    failure->source = MemoryContextStrdup(level->context, source);
    failure->message = MemoryContextStrdup(level->context, message);
    failure->sqlstate = sqlstate;
    failure->rows = rows;
    failure->next = level->failures;
    level->failures = failure;
    level->failure_count++;
}

bool note_mark(Level *level, const char *source) {
    for (Mark *mark = level->marks; mark != nullptr; mark = mark->next)
        if (strcmp(mark->source, source) == 0) return false;
    auto *mark = static_cast<Mark *>(MemoryContextAlloc(level->context, sizeof(Mark)));
    mark->source = MemoryContextStrdup(level->context, source);
    mark->next = level->marks;
    level->marks = mark;
    return true;
}

void merge_levels(Level *outer, Level *inner) {
    for (Changes *changes = inner->changes; changes != nullptr; changes = changes->next) {
        Changes *into = find_changes(outer, changes->delta);
        if (into == nullptr) {
            into = static_cast<Changes *>(MemoryContextAlloc(outer->context, sizeof(Changes)));
            *into = *changes;
            MemoryContextSetParent(into->context, outer->context);
            into->next = outer->changes;
            outer->changes = into;
            continue;
        }
        each_entry(changes, [&](Entry *entry) {
            Entry *target = entry_of(into, entry->bucket, entry->key(changes->measures),
                                     entry->key_length, entry->hash);
            target->rows += entry->rows;  // both are at most kMaxRows
            into->full |= std::abs(target->rows) > kMaxRows;
            for (int m = 0; m < changes->measures; ++m)
                merge(target->sums()[m], entry->sums()[m], into->context);
        });
    }
    for (Failure *failure = inner->failures; failure != nullptr; failure = failure->next)
        note_failure(outer, failure->source, failure->sqlstate, failure->message, failure->rows);
    for (Mark *mark = inner->marks; mark != nullptr; mark = mark->next)
        note_mark(outer, mark->source);
}

void clear(Changes *changes) {
    MemoryContextReset(changes->context);
    changes->slots = nullptr;
    changes->capacity = changes->count = 0;
    changes->full = false;
}

}  // namespace kpi::capture
