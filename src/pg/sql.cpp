#include "pg/sql.hpp"

#include <fmt/format.h>

#include "pg/bound.hpp"
#include "pg/plans.hpp"
#include "pg/run.hpp"

namespace kpi::pg {
namespace {

Datum varlena(std::string_view text) {
    return call(
        [&] { return PointerGetDatum(cstring_to_text_with_len(text.data(), int(text.size()))); });
}

Datum text_array_datum(const std::vector<std::string> &items) {
    auto *elements =
        call([&] { return static_cast<Datum *>(palloc(sizeof(Datum) * (items.size() + 1))); });
    for (size_t i = 0; i < items.size(); ++i) elements[i] = varlena(items[i]);
    return call([&] {
        return PointerGetDatum(
            construct_array(elements, int(items.size()), TEXTOID, -1, false, TYPALIGN_INT));
    });
}

// Elements that are passed by value, of `size` bytes.
template <class T, class F>
Datum array_datum(const std::vector<T> &items, Oid type, int size, char align, F to_datum) {
    auto *elements =
        call([&] { return static_cast<Datum *>(palloc(sizeof(Datum) * (items.size() + 1))); });
    for (size_t i = 0; i < items.size(); ++i) elements[i] = to_datum(items[i]);
    return call([&] {
        return PointerGetDatum(
            construct_array(elements, int(items.size()), type, size, true, align));
    });
}

struct Binder {
    Oid type = TEXTOID;
    Datum value = 0;
    bool null = false;

    void operator()(const Null &) { null = true; }
    void operator()(bool v) { type = BOOLOID, value = BoolGetDatum(v); }
    void operator()(int64_t v) { type = INT8OID, value = Int64GetDatum(v); }
    void operator()(double v) { type = FLOAT8OID, value = Float8GetDatum(v); }
    void operator()(const std::string &v) { value = varlena(v); }
    void operator()(const std::vector<std::string> &v) {
        type = TEXTARRAYOID, value = text_array_datum(v);
    }
    void operator()(const std::vector<int32_t> &v) {
        type = INT4ARRAYOID;
        value =
            array_datum(v, INT4OID, 4, TYPALIGN_INT, [](int32_t i) { return Int32GetDatum(i); });
    }
    void operator()(const std::vector<Timestamp> &v) {
        type = TIMESTAMPTZARRAYOID;
        value = array_datum(v, TIMESTAMPTZOID, 8, TYPALIGN_DOUBLE,
                            [](Timestamp t) { return TimestampTzGetDatum(t.microseconds); });
    }
    void operator()(const Timestamp &v) {
        type = TIMESTAMPTZOID, value = TimestampTzGetDatum(v.microseconds);
    }
    void operator()(const Bytes &v) { type = BYTEAOID, value = varlena(v.data); }
    void operator()(const Date &v) { type = DATEOID, value = DateADTGetDatum(v.days); }
    void operator()(const ObjectId &v) { type = OIDOID, value = ObjectIdGetDatum(v.value); }
    void operator()(const Json &v) {
        type = JSONBOID;
        const char *text = v.text.c_str();
        value = call([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(text)); });
    }
};

}  // namespace

Bound bind(const Params &params) {
    Bound bound;
    bound.count = int(params.size());
    if (bound.count == 0) return bound;
    const size_t n = params.size();
    call([&] {
        bound.types = static_cast<Oid *>(palloc(sizeof(Oid) * n));
        bound.values = static_cast<Datum *>(palloc(sizeof(Datum) * n));
        bound.nulls = static_cast<char *>(palloc(n));
    });
    for (size_t i = 0; i < n; ++i) {
        Binder binder;
        std::visit(binder, params[i]);
        bound.types[i] = binder.type;
        bound.values[i] = binder.value;
        bound.nulls[i] = binder.null ? 'n' : ' ';
    }
    return bound;
}

namespace {

Cell cell(SPITupleTable *table, uint64 row, int column) {
    char *text = call([&] { return SPI_getvalue(table->vals[row], table->tupdesc, column); });
    if (text == nullptr) return std::nullopt;
    std::string out(text);
    pfree(text);
    return out;
}

// Prepares a statement, kept or not, and gives its plan to `execute`, which returns SPI's status.
template <class F>
void with_plan(std::string_view sql, Bound &bound, const Options &options, F execute) {
    const std::string text(sql);
    const char *statement = text.c_str();
    std::optional<KeptPlan> kept;
    if (options.keep == Keep::yes) kept.emplace(statement, bound.count, bound.types);
    SPIPlanPtr const kept_plan = kept ? kept->get() : nullptr;
    call([&] {
        SPIPlanPtr plan =
            kept_plan != nullptr ? kept_plan : SPI_prepare(statement, bound.count, bound.types);
        if (plan == nullptr)
            elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
        const int status = execute(plan);
        if (kept_plan == nullptr) SPI_freeplan(plan);
        if (status < 0) elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(status));
    });
}

// The result stays in SPI_tuptable. With See::latest the snapshot is taken here, after every lock
// the caller holds, and registered for the statement.
int64_t prepare_and_run(std::string_view sql, const Params &params, const Options &options) {
    Bound bound = bind(params);
    with_plan(sql, bound, options, [&](SPIPlanPtr plan) {
        const bool read_only = options.access == Access::read_only;
        if (options.see != See::latest)
            return SPI_execute_plan(plan, bound.values, bound.nulls, read_only, options.limit);
        Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
        const int status = SPI_execute_snapshot(plan, bound.values, bound.nulls, snapshot,
                                                InvalidSnapshot, read_only, true, options.limit);
        UnregisterSnapshot(snapshot);
        return status;
    });
    return int64_t(SPI_processed);
}

void prepare_and_send(std::string_view sql, const Params &params, const Options &options,
                      DestReceiver *receiver) {
    Bound bound = bind(params);
    with_plan(sql, bound, options, [&](SPIPlanPtr plan) {
        ParamListInfo list = makeParamList(bound.count);
        for (int i = 0; i < bound.count; ++i)
            list->params[i] = {bound.values[i], bound.nulls[i] == 'n', PARAM_FLAG_CONST,
                               bound.types[i]};
        SPIExecuteOptions how{};
        how.params = list;
        how.read_only = options.access == Access::read_only;
        how.dest = receiver;
        return SPI_execute_plan_extended(plan, &how);
    });
}

}  // namespace

void run_into(std::string_view sql, const Params &params, const Options &options,
              DestReceiver *receiver) {
    try {
        prepare_and_send(sql, params, options, receiver);
    } catch (Error &error) {
        forget_statement(error, sql);
        throw;
    }
}

int64_t run(std::string_view sql, const Params &params, const Options &options) {
    try {
        return prepare_and_run(sql, params, options);
    } catch (Error &error) {
        forget_statement(error, sql);
        throw;
    }
}

Spi::Spi(Atomic atomic) : exceptions_(std::uncaught_exceptions()) {
    call([&] {
        if (SPI_connect_ext(atomic == Atomic::no ? SPI_OPT_NONATOMIC : 0) != SPI_OK_CONNECT)
            elog(ERROR, "SPI_connect failed");
    });
}

Spi::~Spi() {
    if (std::uncaught_exceptions() > exceptions_) return;
    attempt([] { SPI_finish(); });
}

void Spi::commit() {
    call([] { SPI_commit(); });
}

Table query(std::string_view sql, const Params &params, const Options &options) {
    Table table;
    table.affected = run(sql, params, options);
    SPITupleTable *tuples = SPI_tuptable;
    if (tuples == nullptr) return table;
    const int columns = tuples->tupdesc->natts;
    for (int c = 1; c <= columns; ++c) {
        char *name = call([&] { return SPI_fname(tuples->tupdesc, c); });
        table.columns.emplace_back(name);
    }
    table.rows.reserve(tuples->numvals);
    for (uint64 r = 0; r < tuples->numvals; ++r) {
        Row row;
        row.reserve(size_t(columns));
        for (int c = 1; c <= columns; ++c) row.push_back(cell(tuples, r, c));
        table.rows.push_back(std::move(row));
    }
    call([&] { SPI_freetuptable(tuples); });
    return table;
}

int64_t execute(std::string_view sql, const Params &params, const Options &options) {
    const int64_t affected = run(sql, params, options);
    SPITupleTable *tuples = SPI_tuptable;
    if (tuples != nullptr) call([&] { SPI_freetuptable(tuples); });
    return affected;
}

Cell value(std::string_view sql, const Params &params, const Options &options) {
    Table table = query(sql, params, options);
    if (table.rows.empty() || table.rows[0].empty()) return std::nullopt;
    return std::move(table.rows[0][0]);
}

ResultSet::ResultSet(FunctionCallInfo fcinfo) {
    auto *info = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    if (info == nullptr || !IsA(info, ReturnSetInfo) ||
        (info->allowedModes & SFRM_Materialize) == 0)
        throw Error("0A000", "set-valued function called in context that cannot accept a set");
    call([&] {
        MemoryContext old = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
        TupleDesc descriptor = nullptr;
        Oid type = InvalidOid;
        const TypeFuncClass kind = get_call_result_type(fcinfo, &type, &descriptor);
        if (kind == TYPEFUNC_SCALAR) {
            descriptor = CreateTemplateTupleDesc(1);
            TupleDescInitEntry(descriptor, 1, "value", type, -1, 0);
        } else if (kind != TYPEFUNC_COMPOSITE && kind != TYPEFUNC_COMPOSITE_DOMAIN) {
            elog(ERROR, "return type must be a scalar or a row type");
        }
        descriptor_ = CreateTupleDescCopy(descriptor);
        store_ = tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0, false,
                                       work_mem);
        info->returnMode = SFRM_Materialize;
        info->setResult = store_;
        info->setDesc = descriptor_;
        MemoryContextSwitchTo(old);
    });
}

int64_t ResultSet::append_query(std::string_view sql, const Params &params, const Options &options,
                                int64_t most) {
    const int64_t rows = run(sql, params, options);
    SPITupleTable *tuples = SPI_tuptable;
    if (tuples == nullptr) return rows;
    if (tuples->tupdesc->natts != descriptor_->natts)
        throw Error("XX000", fmt::format("statement returned {} columns, the function returns {}",
                                         tuples->tupdesc->natts, descriptor_->natts));
    const uint64 wanted = std::min(tuples->numvals, uint64(most));
    call([&] {
        for (uint64 r = 0; r < wanted; ++r) tuplestore_puttuple(store_, tuples->vals[r]);
        SPI_freetuptable(tuples);
    });
    return rows;
}

void ResultSet::append(Datum *values, bool *nulls) {
    call([&] {
        CHECK_FOR_INTERRUPTS();
        tuplestore_putvalues(store_, descriptor_, values, nulls);
    });
}

void log(Level level, const std::string &message, const std::string &detail,
         const std::string &hint) {
    const char *m = message.c_str();
    const char *d = detail.empty() ? nullptr : detail.c_str();
    const char *h = hint.empty() ? nullptr : hint.c_str();
    call([&] {
        ereport(int(level),
                (errmsg_internal("%s", m), d != nullptr ? errdetail_internal("%s", d) : 0,
                 h != nullptr ? errhint("%s", h) : 0));
    });
}

std::string quote(std::string_view identifier) {
    const std::string name(identifier);
    const char *text = name.c_str();
    const char *quoted = call([&] { return quote_identifier(text); });
    std::string out(quoted);
    if (quoted != text) pfree(const_cast<char *>(quoted));
    return out;
}

std::string microseconds(std::string_view expression) {
    // Timestamps count from 2000.
    return fmt::format("(EXTRACT(epoch FROM {}) * 1000000)::pg_catalog.int8 - 946684800000000",
                       expression);
}

std::string literal(std::string_view text) {
    const std::string copy(text);
    const char *raw = copy.c_str();
    char *quoted = call([&] { return quote_literal_cstr(raw); });
    std::string out(quoted);
    pfree(quoted);
    return out;
}

std::string qualified(ObjectId relation) {
    char *name = nullptr;
    char *schema = nullptr;
    call([&] {
        name = get_rel_name(relation.value);
        if (name != nullptr) schema = get_namespace_name(get_rel_namespace(relation.value));
    });
    if (name == nullptr || schema == nullptr)
        throw Error("42P01", fmt::format("relation with OID {} does not exist", relation.value));
    return quote(schema) + "." + quote(name);
}

}  // namespace kpi::pg
