// The values that cross rooms: bound parameters and result tables as plain data, no Datum.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kpi {

// Microseconds since 2000-01-01 00:00 UTC: PostgreSQL's timestamptz.
struct Timestamp {
    int64_t microseconds = 0;
};

// Days since 2000-01-01: PostgreSQL's date.
struct Date {
    int32_t days = 0;
};

// Bound as oid; serves regclass and regtype too.
struct ObjectId {
    uint32_t value = 0;
};

// Bound as jsonb.
struct Json {
    std::string text;
};

// Bound as bytea.
struct Bytes {
    std::string data;
};

// Bound as text NULL.
struct Null {};

// A bound parameter. Strings are bound as text, vectors as arrays of text, integer and timestamptz.
using Param = std::variant<Null, bool, int64_t, double, std::string, std::vector<std::string>,
                           std::vector<int32_t>, std::vector<Timestamp>, Timestamp, Date, ObjectId,
                           Json, Bytes>;
using Params = std::vector<Param>;

// A result cell in PostgreSQL's text form; nullopt is NULL.
using Cell = std::optional<std::string>;
using Row = std::vector<Cell>;

struct Table {
    std::vector<std::string> columns;
    std::vector<Row> rows;
    int64_t affected = 0;  // rows processed by the statement

    bool empty() const { return rows.empty(); }
};

}  // namespace kpi
