#include "pg/returned.hpp"

#include "pg/guard.hpp"
#include "pg/run.hpp"

namespace kpi::pg {

Datum bytes_datum(const std::string &bytes) {
    const char *data = bytes.data();
    const size_t size = bytes.size();
    return call([&] {
        auto *out = static_cast<bytea *>(palloc(VARHDRSZ + size));
        SET_VARSIZE(out, VARHDRSZ + size);
        memcpy(VARDATA(out), data, size);
        return PointerGetDatum(out);
    });
}

Datum returned_value(std::string_view sql, const Params &params) {
    if (run(sql, params, {}) == 0 || SPI_tuptable == nullptr)
        throw Error("42704", "what was to be returned is gone");
    return call([] {
        bool null = true;
        const Datum cell = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null);
        const FormData_pg_attribute *type = TupleDescAttr(SPI_tuptable->tupdesc, 0);
        return SPI_datumTransfer(cell, type->attbyval, type->attlen);
    });
}

}  // namespace kpi::pg
