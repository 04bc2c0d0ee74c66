#include "engine/view/captured_source.hpp"

#include "core/measure.hpp"

namespace kpi::capture {
namespace {

constexpr int kMostColumns = 1600;  // of a table

// A row of a registry table by column name, so that the order of columns in the script does not
// matter here.
struct Reader {
    Relation relation;
    HeapTuple tuple;

    Datum get(const char *column, bool *null) const {
        const AttrNumber number = get_attnum(RelationGetRelid(relation), column);
        if (number == InvalidAttrNumber)
            elog(ERROR, "column %s of %s does not exist", column,
                 RelationGetRelationName(relation));
        return heap_getattr(tuple, number, RelationGetDescr(relation), null);
    }
    char *string(const char *column) const {
        bool null = false;
        const Datum datum = get(column, &null);
        return null ? nullptr : TextDatumGetCString(datum);
    }
    Oid oid(const char *column) const {
        bool null = false;
        const Datum datum = get(column, &null);
        return null ? InvalidOid : DatumGetObjectId(datum);
    }
    double number(const char *column) const {
        bool null = false;
        const Datum datum = get(column, &null);
        return null ? 0 : DatumGetFloat8(datum);
    }
    char *name(const char *column) const {
        bool null = false;
        const Datum datum = get(column, &null);
        return null ? nullptr : pstrdup(NameStr(*DatumGetName(datum)));
    }
};

// Calls visit(reader) for each row visible to the latest snapshot until it returns true.
template <class F>
void scan(const char *table, F visit) {
    Relation relation = table_open(registry_table(table), AccessShareLock);
    // Parallel mode forbids a new snapshot; only readers get there, and theirs is right for them.
    Snapshot snapshot =
        RegisterSnapshot(IsInParallelMode() ? GetActiveSnapshot() : GetLatestSnapshot());
    TableScanDesc desc = table_beginscan(relation, snapshot, 0, nullptr);
    for (HeapTuple tuple = nullptr; (tuple = heap_getnext(desc, ForwardScanDirection)) != nullptr;)
        if (visit(Reader{relation, tuple})) break;
    table_endscan(desc);
    UnregisterSnapshot(snapshot);
    table_close(relation, AccessShareLock);
}

void read_dimensions(const Reader &row, Source *source) {
    bool null = false;
    ArrayType *array = DatumGetArrayTypeP(row.get("dimensions", &null));
    Datum *elements = nullptr;
    bool *nulls = nullptr;
    deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &elements, &nulls,
                      &source->dimensions);
    source->dimension_names =
        static_cast<const char **>(palloc(sizeof(char *) * size_t(source->dimensions + 1)));
    for (int i = 0; i < source->dimensions; ++i)
        source->dimension_names[i] = pstrdup(NameStr(*DatumGetName(elements[i])));
}

void read_measures(Source *source) {
    source->measure_names = static_cast<const char **>(palloc0(sizeof(char *) * kMostColumns));
    scan("measure", [&](const Reader &row) {
        char *owner = row.string("source");
        if (strcmp(owner, source->name) == 0) {
            bool null = false;
            const int position = DatumGetInt16(row.get("position", &null));
            if (position < 1 || position > kMostColumns)
                elog(ERROR, "measure of source \"%s\" has position %d", source->name, position);
            source->measure_names[position - 1] = row.string("name");
            source->measures = Max(source->measures, position);
        }
        pfree(owner);
        return false;
    });
}

void read_counted(Source *source) {
    source->counted_columns =
        static_cast<const char **>(palloc0(sizeof(char *) * size_t(kMaxCounted)));
    source->counted_errors = static_cast<double *>(palloc0(sizeof(double) * size_t(kMaxCounted)));
    source->counted_timed = static_cast<bool *>(palloc0(sizeof(bool) * size_t(kMaxCounted)));
    scan("counted", [&](const Reader &row) {
        char *owner = row.string("source");
        if (strcmp(owner, source->name) == 0) {
            bool null = false;
            const int position = DatumGetInt16(row.get("position", &null));
            if (position < 1 || position > kMaxCounted)
                elog(ERROR, "counted measure of source \"%s\" has position %d", source->name,
                     position);
            source->counted_columns[position - 1] = row.name("column");
            source->counted_errors[position - 1] = row.number("error");
            source->counted_timed[position - 1] =
                is_timed(counted_kind(row.string("kind")).value_or(CountedKind::distinct));
            source->counted = Max(source->counted, position);
        }
        pfree(owner);
        return false;
    });
}

template <class F>
Source *find(F matches) {
    Source *found = nullptr;
    scan("source", [&](const Reader &row) {
        char *name = row.string("name");
        const Oid delta = data_table(name, "delta");
        if (!matches(name, delta)) return false;
        found = static_cast<Source *>(palloc0(sizeof(Source)));
        found->name = name;
        found->delta = delta;
        found->facts = row.oid("facts");
        found->base = row.oid("base");
        found->time_column = row.name("time_column");
        found->timezone = row.string("timezone");
        read_dimensions(row, found);
        return true;
    });
    if (found != nullptr) {
        read_measures(found);
        read_counted(found);
    }
    return found;
}

}  // namespace

Oid registry_table(const char *name) {
    const Oid schema = get_namespace_oid("kpi", false);
    const Oid relation = get_relname_relid(name, schema);
    if (!OidIsValid(relation)) elog(ERROR, "relation kpi.%s does not exist", name);
    return relation;
}

Oid data_table(const char *source, const char *suffix) {
    const Oid schema = get_namespace_oid("kpi_data", true);
    if (!OidIsValid(schema)) return InvalidOid;
    return get_relname_relid(psprintf("%s_%s", source, suffix), schema);
}

Source *find_source(const char *name) {
    return find([&](const char *candidate, Oid) { return strcmp(candidate, name) == 0; });
}

Source *find_source_of_delta(Oid delta) {
    return find(
        [&](const char *, Oid candidate) { return OidIsValid(candidate) && candidate == delta; });
}

void mark_all_dirty(const char *source, const char *why) {
    Relation relation = table_open(registry_table("dirty"), RowExclusiveLock);
    TupleDesc desc = RelationGetDescr(relation);
    auto *values = static_cast<Datum *>(palloc0(sizeof(Datum) * size_t(desc->natts)));
    auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * size_t(desc->natts)));
    memset(nulls, 1, sizeof(bool) * size_t(desc->natts));
    auto set = [&](const char *column, Datum value) {
        const AttrNumber number = get_attnum(RelationGetRelid(relation), column);
        values[number - 1] = value;
        nulls[number - 1] = false;
    };
    set("source", CStringGetTextDatum(source));
    set("from", DateADTGetDatum(DATEVAL_NOBEGIN));
    set("to", DateADTGetDatum(DATEVAL_NOEND));
    set("why", CStringGetTextDatum(why));
    set("marked_at", TimestampTzGetDatum(GetCurrentTimestamp()));
    CatalogTupleInsert(relation, heap_form_tuple(desc, values, nulls));
    table_close(relation, RowExclusiveLock);
    CommandCounterIncrement();
}

}  // namespace kpi::capture
