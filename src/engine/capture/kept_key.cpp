#include "engine/capture/kept_key.hpp"

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

Datum as_numeric(Oid type, Datum value) {
    switch (type) {
        case INT2OID:
            return NumericGetDatum(int64_to_numeric(DatumGetInt16(value)));
        case INT4OID:
            return NumericGetDatum(int64_to_numeric(DatumGetInt32(value)));
        case INT8OID:
            return NumericGetDatum(int64_to_numeric(DatumGetInt64(value)));
        default:
            return value;
    }
}

// Seconds since 1970: the sum cannot overflow, which that of the microseconds may.
Datum seconds(int64 clock) {
    constexpr int64 kEpochs = int64(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
    return DirectFunctionCall2(numeric_add, NumericGetDatum(int64_div_fast_to_numeric(clock, 6)),
                               NumericGetDatum(int64_to_numeric(kEpochs)));
}

Datum timed(Datum time, Datum value) {
    Datum parts[] = {time, value};
    return PointerGetDatum(construct_array(parts, 2, NUMERICOID, -1, false, TYPALIGN_INT));
}

}  // namespace

const char *key_name(const Source *source, int place) {
    return place < source->dimensions ? source->dimension_names[place]
                                      : source->counted_columns[place - source->dimensions];
}

Oid kept_type(const Source *source, int place, Oid type, KeptKey *kept) {
    const int counted = place - source->dimensions;
    if (counted < 0) return type;
    const bool bucket = source->counted_errors[counted] > 0;
    const bool timed = source->counted_timed[counted];
    kept[counted].type = type;
    if (!bucket && !timed) return type;
    switch (type) {
        case INT2OID:
        case INT4OID:
        case INT8OID:
        case NUMERICOID:
            break;
        case FLOAT4OID:
        case FLOAT8OID:
            if (bucket) break;
            [[fallthrough]];
        default:
            ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                            errmsg("column \"%s\" of source \"%s\" is of type %s, which has no %s",
                                   key_name(source, place), source->name, format_type_be(type),
                                   bucket ? "percentiles" : "first or last number"),
                            errhint("Call kpi.untrack and kpi.track again.")));
    }
    if (timed) {
        kept[counted].form = KeptKey::Form::timed;
        return NUMERICARRAYOID;
    }
    kept[counted].form = KeptKey::Form::bucket;
    kept[counted].scale = SketchScale(source->counted_errors[counted]);
    return INT4OID;
}

Datum kept_value(const KeptKey &key, int64 clock, Datum value) {
    switch (key.form) {
        case KeptKey::Form::bucket:
            return Int32GetDatum(key.scale.bucket(as_double(key.type, value)));
        case KeptKey::Form::timed:
            return timed(seconds(clock), as_numeric(key.type, value));
        case KeptKey::Form::value:
            break;
    }
    return value;
}

}  // namespace kpi::capture
