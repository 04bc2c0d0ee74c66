#include "pg/key_table.hpp"

namespace kpi::pg {
namespace {

constexpr uint32 kFirstSlots = 1024, kFirstRoom = 256;

// One key, `known` as it is kept here. Most keys are text: what its functions do to every row, for
// a collation that may tell equal strings of different bytes, is left out where there is no such.
bool same_key(KeyType *type, Datum known, Datum value) {
    if (!type->is_bytes)
        return DatumGetBool(FunctionCall2Coll(&type->equal, type->collation, known, value));
    const text *kept = DatumGetTextPP(known);
    text *other = DatumGetTextPP(value);
    const bool same = VARSIZE_ANY_EXHDR(kept) == VARSIZE_ANY_EXHDR(other) &&
                      memcmp(VARDATA_ANY(kept), VARDATA_ANY(other), VARSIZE_ANY_EXHDR(kept)) == 0;
    if (PointerGetDatum(other) != value) pfree(other);
    return same;
}

uint32 hash_of_key(KeyType *type, Datum value) {
    if (!type->is_bytes)
        return DatumGetUInt32(FunctionCall1Coll(&type->hash, type->collation, value));
    text *key = DatumGetTextPP(value);
    const uint32 hash = hash_bytes(reinterpret_cast<const unsigned char *>(VARDATA_ANY(key)),
                                   int(VARSIZE_ANY_EXHDR(key)));
    if (PointerGetDatum(key) != value) pfree(key);
    return hash;
}

bool same_keys(KeyTable *table, uint32 group, const Datum *values, const bool *nulls) {
    for (int k = 0; k < table->keys; ++k) {
        const size_t at = size_t(group) * size_t(table->keys) + size_t(k);
        if (nulls[k] != table->nulls[at]) return false;
        if (!nulls[k] && !same_key(&table->type[k], table->values[at], values[k])) return false;
    }
    return true;
}

uint32 add_group(KeyTable *table, const Datum *values, const bool *nulls, uint32 hash) {
    if (table->count == table->room) {
        const uint64 room = uint64(table->room) * 2;
        table->values = grown(table->values, room * uint64(table->keys));
        table->nulls = grown(table->nulls, room * uint64(table->keys));
        table->hash = grown(table->hash, room);
        table->room = uint32(room);
    }
    const uint32 group = table->count++;
    table->hash[group] = hash;
    MemoryContext old = MemoryContextSwitchTo(table->context);
    for (int k = 0; k < table->keys; ++k) {
        const size_t at = size_t(group) * size_t(table->keys) + size_t(k);
        const KeyType &type = table->type[k];
        table->nulls[at] = nulls[k];
        if (nulls[k]) continue;
        table->values[at] = type.length == -1 ? PointerGetDatum(PG_DETOAST_DATUM_COPY(values[k]))
                                              : datumCopy(values[k], type.by_value, type.length);
    }
    MemoryContextSwitchTo(old);
    return group;
}

uint32 hash_of(KeyTable *table, const Datum *values, const bool *nulls) {
    uint32 hash = 0;
    for (int k = 0; k < table->keys; ++k) {
        hash = pg_rotate_left32(hash, 1);
        if (!nulls[k]) hash ^= hash_of_key(&table->type[k], values[k]);
    }
    return murmurhash32(hash);
}

uint32 *slot_of(KeyTable *table, const Datum *values, const bool *nulls, uint32 hash) {
    return slot_in(table->index, hash, [&](uint32 group) {
        return table->hash[group] == hash && same_keys(table, group, values, nulls);
    });
}

}  // namespace

NumberIndex make_index(MemoryContext context) {
    NumberIndex index{made<uint32>(context, kFirstSlots), kFirstSlots - 1, 0};
    memset(index.slots, 0, sizeof(uint32) * kFirstSlots);
    return index;
}

KeyTable make_key_table(MemoryContext context, int keys) {
    KeyTable table{};
    table.context = context;
    table.keys = keys;
    table.type = made<KeyType>(context, uint64(keys));
    table.room = kFirstRoom;
    table.values = made<Datum>(context, kFirstRoom * uint64(keys));
    table.nulls = made<bool>(context, kFirstRoom * uint64(keys));
    table.hash = made<uint32>(context, kFirstRoom);
    table.index = make_index(context);
    return table;
}

void set_key(KeyTable *table, int k, const FormData_pg_attribute &attribute) {
    TypeCacheEntry *entry =
        lookup_type_cache(attribute.atttypid, TYPECACHE_HASH_PROC | TYPECACHE_EQ_OPR);
    KeyType &type = table->type[k];
    fmgr_info_cxt(entry->hash_proc, &type.hash, table->context);
    fmgr_info_cxt(get_opcode(entry->eq_opr), &type.equal, table->context);
    type.collation = attribute.attcollation;
    type.length = attribute.attlen;
    type.by_value = attribute.attbyval;
    type.is_bytes = type.hash.fn_oid == F_HASHTEXT && type.equal.fn_oid == F_TEXTEQ &&
                    OidIsValid(type.collation) && get_collation_isdeterministic(type.collation);
}

uint32 group_of(KeyTable *table, const Datum *values, const bool *nulls) {
    const uint32 hash = hash_of(table, values, nulls);
    uint32 *slot = slot_of(table, values, nulls, hash);
    if (*slot != 0) return *slot - 1;
    const uint32 group = add_group(table, values, nulls, hash);
    *slot = group + 1;
    note_entry(table->context, &table->index, [table](uint32 i) { return table->hash[i]; });
    return group;
}

uint32 find_group(KeyTable *table, const Datum *values, const bool *nulls) {
    const uint32 *slot = slot_of(table, values, nulls, hash_of(table, values, nulls));
    return *slot == 0 ? kNoGroup : *slot - 1;
}

}  // namespace kpi::pg
