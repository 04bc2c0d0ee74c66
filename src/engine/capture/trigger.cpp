#include "engine/capture/trigger.hpp"

#include "engine/capture/transaction.hpp"
#include "pg/bell.hpp"

namespace kpi::capture {
namespace {

struct CacheKey {
    Oid relation, trigger;
};

// Per backend: how rows of one relation (a leaf partition has its own attribute numbers) are
// evaluated for one source.
struct Capture {
    CacheKey key;
    // cleared by invalidation callbacks, which free nothing: the entry may be running
    bool valid;
    bool registered;  // false: not the registered pair, do nothing
    bool warned;
    // why nothing can be captured until the source is repaired; null: all is well
    const char *refusal;
    Oid facts, base, delta;
    // Rows of this entry that are being evaluated up the stack, and in which transaction that was
    // counted: an error leaves the count behind.
    int running;
    LocalTransactionId running_in;
    Evaluator *evaluator;
    MemoryContext context;
};

HTAB *cache = nullptr;
Capture *last = nullptr;  // the entry of the previous row

void create_cache() {
    HASHCTL control = {};
    control.keysize = sizeof(CacheKey);
    control.entrysize = sizeof(Capture);
    control.hcxt = CacheMemoryContext;
    cache = hash_create("kpi captures", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

template <class F>
void invalidate_if(F matches) {
    if (cache == nullptr) return;
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, cache);
    while (auto *capture = static_cast<Capture *>(hash_seq_search(&scan)))
        if (matches(*capture)) capture->valid = false;
}

void on_relation_changed(Datum, Oid relation) {
    invalidate_if([&](const Capture &c) {
        return relation == InvalidOid || relation == c.key.relation || relation == c.facts ||
               relation == c.base || relation == c.delta;
    });
}

void on_catalog_changed(Datum, int, uint32) {
    invalidate_if([](const Capture &) { return true; });
}

Oid root_of(Oid relation) {
    if (!get_rel_relispartition(relation)) return relation;
    List *ancestors = get_partition_ancestors(relation);
    const Oid root = ancestors == NIL ? relation : llast_oid(ancestors);
    list_free(ancestors);
    return root;
}

// The registered base may be the table itself or any of its ancestors (a partition tree can be
// tracked below its root).
bool is_registered(const Source *source, Relation relation, const Trigger *trigger) {
    if (source == nullptr) return false;
    const char *expected = psprintf("%s%s", kTriggerPrefix, source->name);
    const Oid self = RelationGetRelid(relation);
    // clones on partitions have the same name
    if (strcmp(trigger->tgname, expected) != 0) return false;
    if (source->base == self) return true;
    return get_rel_relispartition(self) &&
           list_member_oid(get_partition_ancestors(self), source->base);
}

// Attribute numbers of the root to those of the leaf, by name. From the catalog cache: opening the
// root would lock it after the leaf, against the order of DDL.
AttrMap *map_to_leaf(Oid root, Relation leaf) {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(root));
    if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for relation %u", root);
    AttrMap *map = make_attrmap(reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relnatts);
    ReleaseSysCache(tuple);
    TupleDesc desc = RelationGetDescr(leaf);
    for (int i = 0; i < desc->natts; ++i) {
        if (TupleDescAttr(desc, i)->attisdropped) continue;
        const AttrNumber number = get_attnum(root, NameStr(TupleDescAttr(desc, i)->attname));
        if (number > 0) map->attnums[number - 1] = AttrNumber(i + 1);
    }
    return map;
}

void build(Capture *capture, TriggerData *data) {
    Relation relation = data->tg_relation;
    Trigger *trigger = data->tg_trigger;
    Source *source = trigger->tgnargs == 1 ? find_source(trigger->tgargs[0]) : nullptr;
    capture->registered = is_registered(source, relation, trigger);
    if (!capture->registered) return;
    capture->facts = source->facts;
    capture->base = source->base;
    capture->delta = source->delta;
    const AttrMap *map = nullptr;
    if (source->base != RelationGetRelid(relation)) {
        map = map_to_leaf(source->base, relation);
    }
    capture->evaluator = prepare(source, map, capture->context);
}

// Makes the entry usable; an error while preparing leaves a refusal instead, so that the writer
// goes on.
void refresh(Capture *capture, TriggerData *data) {
    if (capture->context != nullptr) {
        // Expressions that are running further up the stack go with the transaction.
        if (capture->running > 0 && capture->running_in == pg::current_transaction_number())
            MemoryContextSetParent(capture->context, TopTransactionContext);
        else
            MemoryContextDelete(capture->context);
        capture->context = nullptr;
    }
    capture->context =
        AllocSetContextCreate(CacheMemoryContext, "kpi capture", ALLOCSET_SMALL_SIZES);
    capture->evaluator = nullptr;
    capture->refusal = nullptr;
    capture->valid = true;
    MemoryContext old = MemoryContextSwitchTo(capture->context);
    ErrorData *failure = guarded([&] { build(capture, data); });
    if (failure != nullptr) {
        if (must_rethrow(failure)) {
            capture->valid = false;
            MemoryContextSwitchTo(old);
            ReThrowError(failure);
        }
        capture->refusal = psprintf("capture cannot evaluate the facts view: %s", failure->message);
    }
    MemoryContextSwitchTo(old);
}

Capture *find_capture(TriggerData *data) {
    const CacheKey key = {RelationGetRelid(data->tg_relation), data->tg_trigger->tgoid};
    if (last != nullptr && last->key.relation == key.relation && last->key.trigger == key.trigger)
        return last;
    if (cache == nullptr) create_cache();
    bool found = false;
    auto *capture = static_cast<Capture *>(hash_search(cache, &key, HASH_ENTER, &found));
    if (!found) {
        memset(capture, 0, sizeof(*capture));
        capture->key = key;
    }
    last = capture;
    return capture;
}

// The source's changes in the current level; takes the locks when the level meets the source for
// the first time. AccessShare on the view is kept to the end, so that nobody replaces it between
// this row and the flush; the delta is locked now, not at commit, because a DROP that came first
// would otherwise meet the commit as a deadlock.
Changes *enter_source(Level *level, Capture *capture, TriggerData *data) {
    if (capture->evaluator != nullptr && capture->valid)
        if (Changes *changes = find_changes(level, capture->delta)) return changes;
    if (!capture->valid) refresh(capture, data);
    while (capture->registered && capture->evaluator != nullptr) {
        LockRelationOid(capture->facts, AccessShareLock);
        LockRelationOid(capture->delta, RowExclusiveLock);
        if (capture->valid) {  // the locks accept invalidations
            Changes *changes = find_changes(level, capture->delta);
            return changes != nullptr ? changes : make_changes(level, capture->evaluator);
        }
        refresh(capture, data);
    }
    return nullptr;
}

// One mark a level is enough, and it is rolled back with the level.
void give_up(Level *level, TriggerData *data, const char *why) {
    const char *source = data->tg_trigger->tgargs[0];
    if (!note_mark(level, source)) return;
    mark_all_dirty(source, why);
}

bool contribution(Level *level, TriggerData *data, Capture *capture, TupleTableSlot *slot,
                  Contribution *out) {
    Evaluator *evaluator = capture->evaluator;
    if (evaluator->has_functions) {
        const LocalTransactionId transaction = pg::current_transaction_number();
        if (capture->running_in != transaction) capture->running = 0;
        capture->running_in = transaction;
        ++capture->running;
    }
    ErrorData *failure = evaluate_guarded(evaluator, slot, out);
    if (evaluator->has_functions) --capture->running;
    if (failure == nullptr) return out->present;
    if (is_data_error(failure)) {
        // An old row's error was noted when the row came in.
        if (out == &evaluator->after)
            note_failure(level, evaluator->source->name, failure->sqlerrcode, failure->message, 1);
    } else {
        give_up(level, data, psprintf("capture failed: %s", failure->message));
    }
    FreeErrorData(failure);
    return false;
}

void capture_row(TriggerData *data, Capture *capture) {
    Level *level = current_level();
    Changes *changes = enter_source(level, capture, data);
    if (!capture->registered) {
        if (!capture->warned)
            ereport(
                int(pg::Level::warning),
                (errmsg("trigger \"%s\" on \"%s\" is not a registered capture trigger of kpi_ext",
                        data->tg_trigger->tgname, RelationGetRelationName(data->tg_relation)),
                 errhint("Drop the trigger; kpi.track creates capture triggers.")));
        capture->warned = true;
        return;
    }
    if (changes == nullptr) {
        give_up(level, data, capture->refusal);
        return;
    }
    Evaluator *evaluator = capture->evaluator;
    const TriggerEvent event = data->tg_event;
    TupleTableSlot *before = TRIGGER_FIRED_BY_INSERT(event) ? nullptr : data->tg_trigslot;
    TupleTableSlot *after = TRIGGER_FIRED_BY_INSERT(event)   ? data->tg_trigslot
                            : TRIGGER_FIRED_BY_UPDATE(event) ? data->tg_newslot
                                                             : nullptr;
    if (before != nullptr && after != nullptr && same_inputs(evaluator, before, after)) return;
    bool changed = false;
    if (before != nullptr && contribution(level, data, capture, before, &evaluator->before)) {
        apply(changes, evaluator->before, -1);
        changed = true;
    }
    if (after != nullptr && contribution(level, data, capture, after, &evaluator->after)) {
        apply(changes, evaluator->after, 1);
        changed = true;
    }
    ResetExprContext(evaluator->econtext);
    if (changed || level->failures != nullptr) after_change(level, changes);
}

}  // namespace

void register_invalidation() {
    CacheRegisterRelcacheCallback(on_relation_changed, 0);
    for (const int id : {int(PROCOID), int(TYPEOID), int(ENUMOID)})
        CacheRegisterSyscacheCallback(id, on_catalog_changed, 0);
}

Datum on_row(FunctionCallInfo fcinfo) {
    if (!CALLED_AS_TRIGGER(fcinfo))
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("kpi.capture can only be called as a trigger")));
    auto *data = reinterpret_cast<TriggerData *>(fcinfo->context);
    if (!TRIGGER_FIRED_AFTER(data->tg_event) || !TRIGGER_FIRED_FOR_ROW(data->tg_event))
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("kpi.capture must be fired AFTER ROW")));
    capture_row(data, find_capture(data));
    return PointerGetDatum(nullptr);
}

Datum on_truncate(FunctionCallInfo fcinfo) {
    auto *data = reinterpret_cast<TriggerData *>(fcinfo->context);
    if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_TRUNCATE(data->tg_event) ||
        data->tg_trigger->tgnargs != 1)
        ereport(
            ERROR,
            (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
             errmsg("kpi.capture_truncate can only be called as a TRUNCATE trigger of kpi.track")));
    const Source *source = find_source(data->tg_trigger->tgargs[0]);
    const Oid self = RelationGetRelid(data->tg_relation);
    const bool registered =
        source != nullptr && (source->base == self || root_of(self) == root_of(source->base));
    if (registered) {
        mark_all_dirty(source->name, "TRUNCATE");
        pg::ring_at_commit();
    }
    return PointerGetDatum(nullptr);
}

}  // namespace kpi::capture
