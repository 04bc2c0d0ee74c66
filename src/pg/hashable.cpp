#include "pg/hashable.hpp"

#include "pg/guard.hpp"

namespace kpi::pg {
namespace {

struct Search {
    bool in_array, in_row;
};

// The innermost part of a type that cannot be hashed; invalid when all can. The type cache answers
// for the whole: an array is hashable when its elements are, a range when its bounds are, a row
// when its fields are.
Oid culprit(Oid type, Search *search) {
    type = getBaseType(type);
    TypeCacheEntry *entry =
        lookup_type_cache(type, TYPECACHE_EQ_OPR | TYPECACHE_HASH_EXTENDED_PROC);
    if (OidIsValid(entry->eq_opr) && OidIsValid(entry->hash_extended_proc)) return InvalidOid;
    const Oid element = get_element_type(type);
    if (OidIsValid(element)) {
        search->in_array = true;
        const Oid part = culprit(element, search);
        return OidIsValid(part) ? part : type;
    }
    const Oid row = get_typ_typrelid(type);
    if (OidIsValid(row)) {
        search->in_row = true;
        Relation relation = relation_open(row, AccessShareLock);
        TupleDesc fields = RelationGetDescr(relation);
        Oid part = InvalidOid;
        for (int i = 0; i < fields->natts && !OidIsValid(part); ++i)
            if (!TupleDescAttr(fields, i)->attisdropped)
                part = culprit(TupleDescAttr(fields, i)->atttypid, search);
        relation_close(relation, AccessShareLock);
        return OidIsValid(part) ? part : type;
    }
    return type;
}

bool is_geometric(Oid type) {
    char category = 0;
    bool preferred = false;
    get_type_category_preferred(type, &category, &preferred);
    return category == TYPCATEGORY_GEOMETRIC;
}

}  // namespace

Unhashable unhashable(ObjectId type) {
    Search search{};
    Unhashable out;
    const char *name = nullptr;
    call([&] {
        out.part.value = culprit(type.value, &search);
        if (out.part.value == InvalidOid) return;
        name = format_type_be(out.part.value);
        Oid function = InvalidOid;
        bool is_varlena = false;
        getTypeOutputInfo(out.part.value, &function, &is_varlena);
        out.has_numbers = is_geometric(out.part.value);
        out.has_fixed_text = !out.has_numbers && func_volatile(function) == PROVOLATILE_IMMUTABLE;
        out.is_whole = out.part.value == getBaseType(type.value);
    });
    if (name != nullptr) out.name = name;
    out.in_array = search.in_array;
    out.in_row = search.in_row;
    return out;
}

}  // namespace kpi::pg
