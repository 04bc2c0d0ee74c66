#include "engine/capture/dirty.hpp"

#include "engine/capture/trigger.hpp"
#include "engine/view/rights.hpp"

namespace kpi::capture {
namespace {

struct State {
    Oid facts = InvalidOid, base = InvalidOid;
    DateADT frozen_before = DATEVAL_NOBEGIN;
};

Datum column(HeapTuple tuple, Relation relation, const char *name, bool *null) {
    return heap_getattr(tuple, get_attnum(RelationGetRelid(relation), name),
                        RelationGetDescr(relation), null);
}

// A plain index whose only column is the given one; InvalidOid: none, scan the table.
Oid index_on(Relation relation, AttrNumber number) {
    Oid found = InvalidOid;
    ListCell *cell = nullptr;
    foreach (cell, RelationGetIndexList(relation)) {
        HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
        if (!HeapTupleIsValid(tuple)) continue;
        const auto *index = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
        if (index->indisvalid && index->indnatts == 1 && index->indkey.values[0] == number)
            found = index->indexrelid;
        ReleaseSysCache(tuple);
    }
    return found;
}

// Calls visit(tuple, relation) for the rows of a registry table whose text column `key` is `value`,
// in the active snapshot.
template <class F>
void lookup(const char *table, const char *key, const char *value, F visit) {
    Relation relation = table_open(registry_table(table), AccessShareLock);
    const AttrNumber number = get_attnum(RelationGetRelid(relation), key);
    const Oid index = index_on(relation, number);
    ScanKeyData scan_key;
    ScanKeyInit(&scan_key, number, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(value));
    scan_key.sk_collation = DEFAULT_COLLATION_OID;
    SysScanDesc scan =
        systable_beginscan(relation, index, OidIsValid(index), GetActiveSnapshot(), 1, &scan_key);
    for (HeapTuple tuple = nullptr; HeapTupleIsValid(tuple = systable_getnext(scan));)
        visit(tuple, relation);
    systable_endscan(scan);
    table_close(relation, AccessShareLock);
}

bool find_state(const char *source, State *out) {
    bool found = false;
    lookup("source", "name", source, [&](HeapTuple tuple, Relation relation) {
        bool null = false;
        found = true;
        out->facts = DatumGetObjectId(column(tuple, relation, "facts", &null));
        const Datum base = column(tuple, relation, "base", &null);
        out->base = null ? InvalidOid : DatumGetObjectId(base);
        out->frozen_before = DatumGetDateADT(column(tuple, relation, "frozen_before", &null));
    });
    return found;
}

// By the reader's snapshot too: DISABLE TRIGGER leaves a mark, but a restore creates the triggers
// last.
bool has_triggers(const State &state, const char *source) {
    if (!OidIsValid(state.base)) return true;
    const char *name = psprintf("%s%s", kTriggerPrefix, source);
    Relation relation = table_open(TriggerRelationId, AccessShareLock);
    ScanKeyData key[2];
    ScanKeyInit(&key[0], Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(state.base));
    ScanKeyInit(&key[1], Anum_pg_trigger_tgname, BTEqualStrategyNumber, F_NAMEEQ,
                DirectFunctionCall1(namein, CStringGetDatum(name)));
    SysScanDesc scan =
        systable_beginscan(relation, TriggerRelidNameIndexId, true, GetActiveSnapshot(), 2, key);
    bool found = false;
    for (HeapTuple tuple = nullptr; HeapTupleIsValid(tuple = systable_getnext(scan));)
        found |=
            reinterpret_cast<Form_pg_trigger>(GETSTRUCT(tuple))->tgenabled == TRIGGER_FIRES_ALWAYS;
    systable_endscan(scan);
    table_close(relation, AccessShareLock);
    return found;
}

RangeType *make_days(TypeCacheEntry *type, DateADT from, DateADT to) {
    RangeBound lower = {DateADTGetDatum(from), DATE_NOT_FINITE(from), true, true};
    RangeBound upper = {DateADTGetDatum(to), DATE_NOT_FINITE(to), false, false};
    return pg::range_of(type, lower, upper);
}

}  // namespace

Datum dirty_days(const char *source) {
    State state;
    if (!find_state(source, &state))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                        errmsg("source \"%s\" does not exist", source)));
    require_reader(state.facts);

    TypeCacheEntry *type = lookup_type_cache(DATERANGEOID, TYPECACHE_RANGE_INFO);
    List *ranges = NIL;
    auto add = [&](DateADT from, DateADT to) {
        from = Max(from, state.frozen_before);
        if (from < to) ranges = lappend(ranges, make_days(type, from, to));
    };
    // An unlogged table is emptied by a crash, which no trigger sees.
    const bool permanent =
        !OidIsValid(state.base) || get_rel_persistence(state.base) == RELPERSISTENCE_PERMANENT;
    if (!permanent || !has_triggers(state, source)) add(DATEVAL_NOBEGIN, DATEVAL_NOEND);
    lookup("dirty", "source", source, [&](HeapTuple tuple, Relation relation) {
        bool null = false;
        add(DatumGetDateADT(column(tuple, relation, "from", &null)),
            DatumGetDateADT(column(tuple, relation, "to", &null)));
    });
    auto **array =
        static_cast<RangeType **>(palloc(sizeof(RangeType *) * size_t(list_length(ranges) + 1)));
    int count = 0;
    ListCell *cell = nullptr;
    foreach (cell, ranges) array[count++] = static_cast<RangeType *>(lfirst(cell));
    return MultirangeTypePGetDatum(make_multirange(DATEMULTIRANGEOID, type, count, array));
}

}  // namespace kpi::capture
