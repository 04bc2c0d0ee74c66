// Groups told apart by typed keys, as GROUP BY would: with each type's default equality and the
// column's collation, NULLs equal. For code inside the executor: palloc'd, without destructors;
// nothing throws.
#pragma once

#include "pg/prelude.hpp"

namespace kpi::pg {

// Open addressing over numbers of entries + 1; 0: free. Half full at most.
struct NumberIndex {
    uint32 *slots;
    uint32 mask;
    uint32 used;
};

struct KeyType {
    FmgrInfo hash, equal;
    Oid collation;
    int16 length;
    bool by_value;
    bool is_bytes;  // text that is equal when its bytes are
};

struct KeyTable {
    MemoryContext context;
    int keys;
    KeyType *type;
    uint32 count, room;
    Datum *values;  // `keys` for each group
    bool *nulls;
    uint32 *hash;
    NumberIndex index;
};

constexpr uint32 kNoGroup = UINT32_MAX;

KeyTable make_key_table(MemoryContext context, int keys);
// Before the first row: what column `k` of the keys is.
void set_key(KeyTable *table, int k, const FormData_pg_attribute &attribute);
// The group of the keys, which it adds when it is new; find_group: kNoGroup then.
uint32 group_of(KeyTable *table, const Datum *values, const bool *nulls);
uint32 find_group(KeyTable *table, const Datum *values, const bool *nulls);

template <class T>
T *grown(T *old, uint64 count) {
    return static_cast<T *>(repalloc_huge(old, sizeof(T) * Max(count, uint64(1))));
}

template <class T>
T *made(MemoryContext context, uint64 count) {
    return static_cast<T *>(MemoryContextAllocHuge(context, sizeof(T) * Max(count, uint64(1))));
}

NumberIndex make_index(MemoryContext context);

// The slot of the first entry that `is` it, or the free one where it belongs.
template <class F>
uint32 *slot_in(NumberIndex &index, uint32 hash, F is) {
    uint32 at = hash & index.mask;
    while (index.slots[at] != 0 && !is(index.slots[at] - 1)) at = (at + 1) & index.mask;
    return &index.slots[at];
}

// After an entry was put into a free slot; `hash_of` an entry.
template <class F>
void note_entry(MemoryContext context, NumberIndex *index, F hash_of) {
    if (++index->used <= index->mask / 2) return;
    if (index->mask >= (1U << 31) - 1) elog(ERROR, "too many segments and buckets");
    const uint32 slots = (index->mask + 1) * 2;
    NumberIndex wider{made<uint32>(context, slots), slots - 1, index->used};
    memset(wider.slots, 0, sizeof(uint32) * size_t(slots));
    for (uint32 i = 0; i <= index->mask; ++i) {
        if (index->slots[i] == 0) continue;
        uint32 at = hash_of(index->slots[i] - 1) & wider.mask;
        while (wider.slots[at] != 0) at = (at + 1) & wider.mask;
        wider.slots[at] = index->slots[i];
    }
    pfree(index->slots);
    *index = wider;
}

}  // namespace kpi::pg
