#include "pg/key_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "pg/bound.hpp"
#include "pg/expression.hpp"
#include "pg/guard.hpp"
#include "pg/key_table.hpp"

#include "pg/prelude.hpp"

namespace kpi::pg {

// A row as far as it counts: `key` numbers the keys that share the hash.
struct KeyRow {
    int64 hash;
    uint32 key;
    KeyEvent event;
};

// Everything that guarded code touches: palloc'd, without destructors.
struct KeyRunState {
    MemoryContext context, run;
    Portal portal;
    TupleDesc row;
    KeyTable segments;
    FmgrInfo equal;
    Oid collation;
    // keys of the hash that is being read
    int64 hash;
    Datum *keys;
    uint32 key_count, key_room;
    // rows that were fetched, handed out up to `used`
    KeyRow *rows;
    uint64 count, used;
    bool ended;
};

namespace {

constexpr long kFetched = 1000;
enum Column : int { kHash, kStep, kAt, kRows, kKey, kSegment };

void begin(KeyRunState *state, TupleDesc row, int segment_keys) {
    MemoryContext old = MemoryContextSwitchTo(state->context);
    state->row = CreateTupleDescCopy(row);
    const Form_pg_attribute key = TupleDescAttr(state->row, kKey);
    const TypeCacheEntry *type = lookup_type_cache(key->atttypid, TYPECACHE_EQ_OPR);
    fmgr_info_cxt(get_opcode(type->eq_opr), &state->equal, state->context);
    state->collation = key->attcollation;
    state->segments = make_key_table(state->context, segment_keys);
    for (int k = 0; k < segment_keys; ++k)
        set_key(&state->segments, k, *TupleDescAttr(state->row, kSegment + k));
    state->rows = made<KeyRow>(state->context, kFetched);
    state->key_room = 4;
    state->keys = made<Datum>(state->context, state->key_room);
    state->run = AllocSetContextCreate(state->context, "kpi keys", ALLOCSET_SMALL_SIZES);
    MemoryContextSwitchTo(old);
}

uint32 key_of(KeyRunState *state, int64 hash, Datum key) {
    if (state->key_count == 0 || state->hash != hash) {
        MemoryContextReset(state->run);
        state->hash = hash;
        state->key_count = 0;
    }
    for (uint32 i = 0; i < state->key_count; ++i)
        if (DatumGetBool(FunctionCall2Coll(&state->equal, state->collation, state->keys[i], key)))
            return i;
    if (state->key_count == state->key_room) {
        state->key_room *= 2;
        state->keys = grown(state->keys, state->key_room);
    }
    const Form_pg_attribute column = TupleDescAttr(state->row, kKey);
    MemoryContext old = MemoryContextSwitchTo(state->run);
    state->keys[state->key_count] = datumCopy(key, column->attbyval, column->attlen);
    MemoryContextSwitchTo(old);
    return state->key_count++;
}

void take(KeyRunState *state, HeapTuple tuple, Datum *values, bool *nulls) {
    heap_deform_tuple(tuple, SPI_tuptable->tupdesc, values, nulls);
    KeyRow &row = state->rows[state->count++];
    row.hash = DatumGetInt64(values[kHash]);
    row.key = key_of(state, row.hash, values[kKey]);
    row.event = {DatumGetInt32(values[kStep]), 0, DatumGetInt64(values[kAt]),
                 DatumGetInt64(values[kRows])};
    if (row.event.step == 0 && state->segments.keys > 0)
        row.event.segment = group_of(&state->segments, values + kSegment, nulls + kSegment);
}

// Rows of the portal into state->rows; none: it has ended.
void fetch(KeyRunState *state) {
    state->count = state->used = 0;
    SPI_cursor_fetch(state->portal, true, kFetched);
    if (SPI_processed == 0) {
        state->ended = true;
    } else {
        const int columns = SPI_tuptable->tupdesc->natts;
        auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * size_t(columns)));
        auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * size_t(columns)));
        for (uint64 i = 0; i < SPI_processed; ++i)
            take(state, SPI_tuptable->vals[i], values, nulls);
        pfree(values);
        pfree(nulls);
    }
    SPI_freetuptable(SPI_tuptable);
}

const KeyRow *ahead(KeyRunState *state) {
    if (state->used == state->count && !state->ended) call([state] { fetch(state); });
    return state->ended ? nullptr : &state->rows[state->used];
}

// Rows of one event become one; those that cancel go.
void add_up(std::vector<KeyEvent> &events) {
    const auto place = [](const KeyEvent &e) { return std::tuple(e.step, e.segment, e.at); };
    std::sort(events.begin(), events.end(),
              [&](const KeyEvent &a, const KeyEvent &b) { return place(a) < place(b); });
    size_t kept = 0;
    for (size_t i = 0; i < events.size();) {
        KeyEvent event = events[i];
        for (++i; i < events.size() && place(events[i]) == place(event); ++i)
            event.rows += events[i].rows;
        if (event.rows > 0) events[kept++] = event;
    }
    events.resize(kept);
}

}  // namespace

KeyRuns::KeyRuns(std::string_view sql, const Params &params, int segment_keys, std::string label)
    : state_(nullptr), label_(std::move(label)), exceptions_(std::uncaught_exceptions()) {
    const std::string text(sql);
    const char *statement = text.c_str();
    const Bound bound = bind(params);
    state_ = call([&] {
        auto *state = static_cast<KeyRunState *>(palloc0(sizeof(KeyRunState)));
        state->context =
            AllocSetContextCreate(CurrentMemoryContext, "kpi key runs", ALLOCSET_DEFAULT_SIZES);
        state->portal =
            SPI_cursor_open_with_args(nullptr, statement, bound.count, bound.types, bound.values,
                                      bound.nulls, true, CURSOR_OPT_NO_SCROLL);
        begin(state, state->portal->tupDesc, segment_keys);
        return state;
    });
}

KeyRuns::~KeyRuns() {
    // After an error the portal goes with the (sub)transaction.
    if (std::uncaught_exceptions() > exceptions_) return;
    attempt([this] { SPI_cursor_close(state_->portal); });
}

bool KeyRuns::next(std::vector<KeyEvent> &events) {
    events.clear();
    const KeyRow *first = ahead(state_);
    if (first == nullptr) return false;
    const int64 hash = first->hash;
    const uint32 key = first->key;
    for (const KeyRow *row = first; row != nullptr && row->hash == hash && row->key == key;
         row = ahead(state_)) {
        events.push_back(row->event);
        ++state_->used;
        if (events.size() % kFetched == 0) {
            add_up(events);
            check_work_memory(events.capacity() * sizeof(KeyEvent), "one key's events");
        }
    }
    add_up(events);
    return true;
}

size_t KeyRuns::segments() const { return state_->segments.keys == 0 ? 1 : state_->segments.count; }

std::vector<Value> KeyRuns::labels() const {
    std::vector<ObjectId> types;
    types.reserve(size_t(state_->segments.keys));
    for (int k = 0; k < state_->segments.keys; ++k)
        types.push_back({TupleDescAttr(state_->row, kSegment + k)->atttypid});
    const Expression expression(label_, types);
    std::vector<Value> out(segments());
    for (size_t s = 0; s < out.size(); ++s) {
        const size_t at = s * size_t(state_->segments.keys);
        out[s].datum = expression.evaluate(state_->segments.values + at,
                                           state_->segments.nulls + at, state_->context);
        out[s].null = false;
    }
    return out;
}

std::vector<uint32_t> KeyRuns::in_order(const std::vector<Value> &labels) const {
    std::vector<JsonbContainer *> roots(labels.size());
    std::vector<uint32_t> out(labels.size());
    for (size_t i = 0; i < out.size(); ++i) {
        out[i] = uint32_t(i);
        roots[i] = call([&] { return &DatumGetJsonbP(labels[i].datum)->root; });
    }
    std::sort(out.begin(), out.end(), [&](uint32_t a, uint32_t b) {
        return call([&] { return compareJsonbContainers(roots[a], roots[b]); }) < 0;
    });
    return out;
}

void check_work_memory(size_t bytes, const char *what) {
    if (bytes <= size_t(work_mem) * 1024) return;
    throw Error("53400", fmt::format("{} need more memory than work_mem allows", what),
                fmt::format("{} kB are needed, {} kB are allowed.", bytes / 1024, work_mem),
                "Raise work_mem for the session, or ask for a shorter range.");
}

}  // namespace kpi::pg
