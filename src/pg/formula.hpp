// Formulas of metrics: SQL expressions over names, parsed and checked by PostgreSQL's own parser.
//
//   parse     which names the formula uses and where
//   operands  what it reads of them: their values, or percentile(x, 0.95), median(x), which is
//             percentile(x, 0.5), and share_below(x, 15), whose second argument is a number
//   compile   the formula as SQL text with holes for the names' values (numeric), checked:
//             one scalar expression of a numeric type, immutable functions only, no sub-select,
//             aggregate, window or set-returning function, no parameter, no qualified name
// Division never fails: a / b, a % b, div(a, b) and mod(a, b) are read as a / nullif(b, 0) and so
// on, so that a ratio without a denominator is NULL.
// Names resolve in pg_catalog; functions of other schemas are written with their schema.
// Errors: with the position in the formula's text (internal query and position), SQLSTATE 42601,
// 0A000, 42P17, 42804, 42703 and PostgreSQL's own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace kpi::pg {

struct FormulaName {
    std::string name;
    int offset = 0;  // bytes from the start of the formula
    int length = 0;
};

// In the order of the text; a name that occurs twice is there twice.
std::vector<FormulaName> formula_names(const std::string &formula);

enum class Reading : uint8_t { value, percentile, share_below };

struct FormulaOperand {
    std::string name;
    Reading reading = Reading::value;
    double argument = 0;  // of percentile, 0 to 1, and of share_below
    int offset = 0;       // bytes from the start of the formula, where it occurs first

    bool same(const FormulaOperand &other) const {
        return name == other.name && reading == other.reading && argument == other.argument;
    }
};

// In the order of the text, each once. Errors: 22023 for other arguments.
std::vector<FormulaOperand> formula_operands(const std::string &formula);

// SQL = pieces[0] value(operands[0]) pieces[1] value(operands[1]) ... pieces.back(); operands are
// indexes of the operands.
struct CompiledFormula {
    std::vector<std::string> pieces;
    std::vector<int> operands;
};

// `operands`: those of the formula; all are numeric. Constant parts are computed, so they may
// raise.
CompiledFormula compile_formula(const std::string &formula,
                                const std::vector<FormulaOperand> &operands);

// An error that points at a byte of the formula.
Error formula_error(const char *sqlstate, std::string message, std::string detail, std::string hint,
                    const std::string &formula, int offset);

}  // namespace kpi::pg
