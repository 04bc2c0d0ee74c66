// Percentiles keep the number of a value's bucket (core/sketch.hpp) instead of the value: the key
// of a counted measure, made of what the facts view's expression gives.
#pragma once

#include "core/sketch.hpp"
#include "engine/view/captured_source.hpp"

namespace kpi::capture {

struct BucketKey {
    Oid type;  // of the value; invalid: it is kept as it is
    SketchScale scale;
};

// The name of a key's column in the facts view: of a dimension or, after them, a counted measure.
const char *key_name(const Source *source, int place);
// The type of what is kept of such a column, whose own type is given; notes in `buckets` (by
// counted measure) when it is the number of a bucket. Raises for a type that is no number.
Oid kept_type(const Source *source, int place, Oid type, BucketKey *buckets);
// The number of the value's bucket, int4. Raises nothing.
Datum bucket_of(const BucketKey &key, Datum value);

}  // namespace kpi::capture
