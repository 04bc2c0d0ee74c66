#include "pg/function.hpp"

#include <fmt/format.h>

#include "pg/prelude.hpp"

namespace kpi::pg {

namespace {

// As its caller knows it: by name where the function has names, by number otherwise.
std::string argument_name(FunctionCallInfo fcinfo, int index) {
    char *name = call([&] {
        HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
        char **names = nullptr;
        int count = 0;
        if (HeapTupleIsValid(tuple)) {
            bool no_names = true, no_modes = true;
            const Datum all = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargnames, &no_names);
            const Datum modes =
                SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargmodes, &no_modes);
            if (!no_names) count = get_func_input_arg_names(all, no_modes ? 0 : modes, &names);
            ReleaseSysCache(tuple);
        }
        return index < count ? names[index] : nullptr;
    });
    return name == nullptr ? std::to_string(index + 1) : fmt::format("\"{}\"", name);
}

}  // namespace

std::string text_argument(FunctionCallInfo fcinfo, int index) {
    auto text = optional_text(fcinfo, index);
    if (!text)
        throw Error("22004",
                    fmt::format("argument {} must not be null", argument_name(fcinfo, index)));
    return *std::move(text);
}

std::optional<std::string> optional_text(FunctionCallInfo fcinfo, int index) {
    return output_text(fcinfo, index);
}

std::optional<std::string> bytes_argument(FunctionCallInfo fcinfo, int index) {
    if (PG_ARGISNULL(index)) return std::nullopt;
    bytea *bytes = call([&] { return PG_GETARG_BYTEA_PP(index); });
    return std::string(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
}

std::optional<std::string> output_text(FunctionCallInfo fcinfo, int index) {
    if (index >= PG_NARGS() || PG_ARGISNULL(index)) return std::nullopt;
    char *text = call([&] {
        Oid output = InvalidOid;
        bool is_varlena = false;
        getTypeOutputInfo(get_fn_expr_argtype(fcinfo->flinfo, index), &output, &is_varlena);
        return OidOutputFunctionCall(output, PG_GETARG_DATUM(index));
    });
    std::string out(text);
    pfree(text);
    return out;
}

std::vector<std::string> text_array(FunctionCallInfo fcinfo, int index) {
    std::vector<std::string> out;
    if (index >= PG_NARGS() || PG_ARGISNULL(index)) return out;
    Datum *elements = nullptr;
    bool *nulls = nullptr;
    int count = 0;
    Oid type = InvalidOid;
    call([&] {
        ArrayType *array = PG_GETARG_ARRAYTYPE_P(index);
        type = ARR_ELEMTYPE(array);
        int16 length = 0;
        bool by_value = false;
        char align = 0;
        get_typlenbyvalalign(type, &length, &by_value, &align);
        deconstruct_array(array, type, length, by_value, align, &elements, &nulls, &count);
    });
    for (int i = 0; i < count; ++i) {
        if (nulls[i])
            throw Error("22004", fmt::format("element {} of argument {} must not be null", i + 1,
                                             argument_name(fcinfo, index)));
        if (type == NAMEOID) {
            out.emplace_back(NameStr(*DatumGetName(elements[i])));
            continue;
        }
        char *item = call([&] { return TextDatumGetCString(elements[i]); });
        out.emplace_back(item);
        pfree(item);
    }
    return out;
}

Datum text_datum(std::string_view text) {
    return call(
        [&] { return PointerGetDatum(cstring_to_text_with_len(text.data(), int(text.size()))); });
}

Datum jsonb_datum(const std::string &text) {
    const char *json = text.c_str();
    return call([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(json)); });
}

Datum numeric_datum(const std::string &text) {
    const char *number = text.c_str();
    return call([&] {
        return DirectFunctionCall3(numeric_in, CStringGetDatum(number),
                                   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
    });
}

}  // namespace kpi::pg
