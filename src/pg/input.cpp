#include "pg/input.hpp"

#include "pg/guard.hpp"

namespace kpi::pg {

void check_value(const std::string &type, const std::string &text) {
    const char *name = type.c_str();
    const char *value = text.c_str();
    call([&] {
        const Oid id = DatumGetObjectId(DirectFunctionCall1(regtypein, CStringGetDatum(name)));
        Oid input = InvalidOid;
        Oid element = InvalidOid;
        getTypeInputInfo(id, &input, &element);
        (void)OidInputFunctionCall(input, const_cast<char *>(value), element, -1);
    });
}

}  // namespace kpi::pg
