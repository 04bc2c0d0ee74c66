#include "pg/formula_call.hpp"

#include <fmt/format.h>

#include <cmath>

#include "pg/guard.hpp"

#include "pg/prelude.hpp"

namespace kpi::pg {
namespace {

constexpr int kNoName = NAMEDATALEN;  // what is as long is no name: the parser cuts them

bool is_number(Node *node, double *out) {
    return IsA(node, A_Const) && literal_number(reinterpret_cast<A_Const *>(node), out) &&
           std::isfinite(*out);
}

FormulaOperand operand_of(const std::string &formula, FuncCall *call) {
    const std::string function = strVal(linitial(call->funcname));
    FormulaOperand out;
    out.reading = function == "share_below" ? Reading::share_below : Reading::percentile;
    out.argument = 0.5;
    out.offset = call->location;
    const int arguments = list_length(call->args);
    auto *first = arguments > 0 ? static_cast<Node *>(linitial(call->args)) : nullptr;
    const char *name = first != nullptr && IsA(first, ColumnRef)
                           ? plain_name(reinterpret_cast<ColumnRef *>(first))
                           : nullptr;
    const bool alone = function == "median";
    if (name == nullptr || arguments != (alone ? 1 : 2) ||
        (!alone && !is_number(static_cast<Node *>(lsecond(call->args)), &out.argument)))
        throw formula_error(
            "22023",
            alone ? "median() takes the name of a measure"
                  : fmt::format("{}() takes the name of a measure and a number", function),
            {}, "For example percentile(delay, 0.95), median(delay) or share_below(delay, 15).",
            formula, call->location);
    if (out.reading == Reading::percentile && !(out.argument >= 0 && out.argument <= 1))
        throw formula_error("22023", fmt::format("there is no percentile {}", out.argument), {},
                            "It is a number from 0 to 1: 0.95 is what 95 % are not above.", formula,
                            call->location);
    out.name = name;
    return out;
}

}  // namespace

const char *plain_name(ColumnRef *reference) {
    if (list_length(reference->fields) != 1) return nullptr;
    Node *field = static_cast<Node *>(linitial(reference->fields));
    return IsA(field, String) ? strVal(field) : nullptr;
}

bool reads_a_name(FuncCall *call) {
    if (list_length(call->funcname) != 1) return false;
    const std::string_view function = strVal(linitial(call->funcname));
    return function == "percentile" || function == "median" || function == "share_below";
}

std::string key_of(const FormulaOperand &operand) {
    if (operand.reading == Reading::value) return operand.name;
    return fmt::format(
        "{:<{}}", fmt::format("{}({}, {})", int(operand.reading), operand.name, operand.argument),
        kNoName);
}

std::vector<FormulaOperand> refer(const std::string &formula, List *calls) {
    std::vector<FormulaOperand> out;
    for (int i = 0; i < list_length(calls); ++i) {
        auto *read = static_cast<FuncCall *>(list_nth(calls, i));
        out.push_back(operand_of(formula, read));
        const std::string key = key_of(out.back());
        const char *text = key.c_str();
        call([&] {
            static_assert(sizeof(ColumnRef) <= sizeof(FuncCall));
            auto *reference = reinterpret_cast<ColumnRef *>(read);
            const int location = read->location;
            reference->type = T_ColumnRef;
            reference->fields = list_make1(makeString(pstrdup(text)));
            reference->location = location;
        });
    }
    return out;
}

}  // namespace kpi::pg
