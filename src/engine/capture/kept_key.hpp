// What is kept of a counted measure's column, as the key of its rows: the value itself, of
// percentiles the number of its bucket (core/sketch.hpp), of first and last the row's time and the
// value. The latter is numeric[], {seconds since 1970, value}: arrays compare by their elements, so
// the greatest is the last one, and of several at the same time the greatest value.
#pragma once

#include "core/sketch.hpp"
#include "engine/view/captured_source.hpp"

namespace kpi::capture {

struct KeptKey {
    enum class Form : char { value, bucket, timed };  // the first is what zeros are
    Form form;
    Oid type;  // of the value
    SketchScale scale;
};

// The name of a key's column in the facts view: of a dimension or, after them, a counted measure.
const char *key_name(const Source *source, int place);
// The type of what is kept of such a column, whose own type is given; notes in `kept` (by counted
// measure) how it is made. Raises for a type that is no number where one is needed.
Oid kept_type(const Source *source, int place, Oid type, KeptKey *kept);
// What is kept of a value, in the current memory context. `clock`: microseconds since 2000 of the
// row's time, as its type counts them. Raises nothing.
Datum kept_value(const KeptKey &key, int64 clock, Datum value);

}  // namespace kpi::capture
