#include "engine/capture/row_error.hpp"

namespace kpi::capture {
namespace {

// RAISE and ASSERT of a PL/pgSQL function: it judged the row, whatever SQLSTATE it chose.
bool is_raised_by_function(const ErrorData *failure) {
    const char *raised_by = failure->funcname == nullptr ? "" : failure->funcname;
    return strcmp(raised_by, "exec_stmt_raise") == 0 || strcmp(raised_by, "exec_stmt_assert") == 0;
}

}  // namespace

bool is_data_error(const ErrorData *failure) {
    if (must_rethrow(failure)) return false;
    if (is_raised_by_function(failure)) return true;
    const int sqlstate = failure->sqlerrcode;
    // What lies in the definition or in the system, and would be so for other rows too. Every other
    // class, those that PostgreSQL does not know included, is about the row.
    switch (ERRCODE_TO_CATEGORY(sqlstate)) {
        case MAKE_SQLSTATE('0', '3', '0', '0', '0'):  // statement not complete
        case MAKE_SQLSTATE('0', '8', '0', '0', '0'):  // connection
        case MAKE_SQLSTATE('0', '9', '0', '0', '0'):  // triggered action
        case MAKE_SQLSTATE('0', 'A', '0', '0', '0'):  // feature not supported
        case MAKE_SQLSTATE('0', 'B', '0', '0', '0'):  // transaction initiation
        case MAKE_SQLSTATE('0', 'L', '0', '0', '0'):  // grantor
        case MAKE_SQLSTATE('0', 'P', '0', '0', '0'):  // role
        case MAKE_SQLSTATE('2', '4', '0', '0', '0'):  // cursor state
        case MAKE_SQLSTATE('2', '5', '0', '0', '0'):  // transaction state
        case MAKE_SQLSTATE('2', '6', '0', '0', '0'):  // statement name
        case MAKE_SQLSTATE('2', '7', '0', '0', '0'):  // triggered data change
        case MAKE_SQLSTATE('2', '8', '0', '0', '0'):  // authorization
        case MAKE_SQLSTATE('2', 'B', '0', '0', '0'):  // dependent privileges
        case MAKE_SQLSTATE('2', 'D', '0', '0', '0'):  // transaction termination
        case MAKE_SQLSTATE('3', '4', '0', '0', '0'):  // cursor name
        case MAKE_SQLSTATE('3', 'B', '0', '0', '0'):  // savepoint
        case MAKE_SQLSTATE('3', 'D', '0', '0', '0'):  // catalog name
        case MAKE_SQLSTATE('3', 'F', '0', '0', '0'):  // schema name
        case MAKE_SQLSTATE('4', '2', '0', '0', '0'):  // syntax or rights
        case MAKE_SQLSTATE('4', '4', '0', '0', '0'):  // WITH CHECK OPTION
        case MAKE_SQLSTATE('5', '4', '0', '0', '0'):  // program limits
        case MAKE_SQLSTATE('5', '5', '0', '0', '0'):  // prerequisite state
        case MAKE_SQLSTATE('7', '2', '0', '0', '0'):  // snapshot
        case MAKE_SQLSTATE('F', '0', '0', '0', '0'):  // configuration file
        case MAKE_SQLSTATE('H', 'V', '0', '0', '0'):  // foreign data wrapper
        case MAKE_SQLSTATE('X', 'X', '0', '0', '0'):  // internal
            return false;
        default:
            return true;
    }
}

bool must_rethrow(const ErrorData *failure) {
    const int sqlstate = failure->sqlerrcode;
    switch (ERRCODE_TO_CATEGORY(sqlstate)) {
        case MAKE_SQLSTATE('5', '7', '0', '0', '0'):
        case MAKE_SQLSTATE('5', '3', '0', '0', '0'):
        case MAKE_SQLSTATE('5', '8', '0', '0', '0'):
        case MAKE_SQLSTATE('4', '0', '0', '0', '0'):
            return true;
        default:
            return sqlstate == ERRCODE_STATEMENT_TOO_COMPLEX ||
                   sqlstate == ERRCODE_LOCK_NOT_AVAILABLE;
    }
}

}  // namespace kpi::capture
