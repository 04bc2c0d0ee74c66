#include "engine/capture/bucket_key.hpp"

namespace kpi::capture {
namespace {

double as_double(Oid type, Datum value) {
    switch (type) {
        case INT2OID:
            return DatumGetInt16(value);
        case INT4OID:
            return DatumGetInt32(value);
        case INT8OID:
            return double(DatumGetInt64(value));
        case FLOAT4OID:
            return double(DatumGetFloat4(value));
        case FLOAT8OID:
            return DatumGetFloat8(value);
        default:
            return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
    }
}

}  // namespace

const char *key_name(const Source *source, int place) {
    return place < source->dimensions ? source->dimension_names[place]
                                      : source->counted_columns[place - source->dimensions];
}

Oid kept_type(const Source *source, int place, Oid type, BucketKey *buckets) {
    const int counted = place - source->dimensions;
    if (counted < 0 || source->counted_errors[counted] <= 0) return type;
    switch (type) {
        case INT2OID:
        case INT4OID:
        case INT8OID:
        case FLOAT4OID:
        case FLOAT8OID:
        case NUMERICOID:
            break;
        default:
            ereport(
                ERROR,
                (errcode(ERRCODE_DATATYPE_MISMATCH),
                 errmsg("column \"%s\" of source \"%s\" is of type %s, which has no percentiles",
                        key_name(source, place), source->name, format_type_be(type)),
                 errhint("Call kpi.untrack and kpi.track again.")));
    }
    buckets[counted] = {type, SketchScale(source->counted_errors[counted])};
    return INT4OID;
}

Datum bucket_of(const BucketKey &key, Datum value) {
    return Int32GetDatum(key.scale.bucket(as_double(key.type, value)));
}

}  // namespace kpi::capture
