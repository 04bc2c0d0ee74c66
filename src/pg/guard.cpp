#include "pg/guard.hpp"

namespace kpi::pg {
namespace {

// Copies into `home` without raising: nullptr when memory is out.
char *copy(MemoryContext home, const std::string &text) noexcept {
    if (text.empty()) return nullptr;
    auto *to =
        static_cast<char *>(MemoryContextAllocExtended(home, text.size() + 1, MCXT_ALLOC_NO_OOM));
    if (to != nullptr) memcpy(to, text.c_str(), text.size() + 1);
    return to;
}

std::string text(const char *from) { return from == nullptr ? std::string() : std::string(from); }

ErrorData *blank(MemoryContext home) noexcept {
    auto *data = static_cast<ErrorData *>(
        MemoryContextAllocExtended(home, sizeof(ErrorData), MCXT_ALLOC_NO_OOM | MCXT_ALLOC_ZERO));
    if (data == nullptr) return nullptr;
    data->elevel = ERROR;
    data->output_to_client = true;
    data->output_to_server = true;
    data->assoc_context = home;
    return data;
}

int encode(const std::string &state) {
    if (state.size() != 5) return ERRCODE_INTERNAL_ERROR;
    return MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4]);
}

// Takes the report over: its memory is released.
Error describe(ErrorData *report) {
    const ErrorData &data = *report;
    Error error(unpack_sql_state(data.sqlerrcode), text(data.message), text(data.detail),
                text(data.hint));
    error.hide_statement = data.hide_stmt;
    auto &origin = error.origin;
    origin.from_postgres = true;
    origin.context = text(data.context);
    origin.schema = text(data.schema_name);
    origin.table = text(data.table_name);
    origin.column = text(data.column_name);
    origin.datatype = text(data.datatype_name);
    origin.constraint = text(data.constraint_name);
    origin.file = text(data.filename);
    origin.function = text(data.funcname);
    origin.internal_query = text(data.internalquery);
    origin.line = data.lineno;
    origin.cursor_position = data.cursorpos;
    origin.internal_position = data.internalpos;
    FreeErrorData(report);
    return error;
}

void hide_statement(void *) {
    errhidestmt(true);
    errhidecontext(true);
}

}  // namespace

Failure keep(MemoryContext home, const Error &error) noexcept {
    ErrorData *data = blank(home);
    if (data == nullptr) return {};
    data->sqlerrcode = encode(error.sqlstate);
    data->message = copy(home, error.message);
    data->detail = copy(home, error.detail);
    data->hint = copy(home, error.hint);
    data->hide_stmt = error.hide_statement;
    data->hide_ctx = error.hide_statement;
    const auto &origin = error.origin;
    data->context = copy(home, origin.context);
    data->schema_name = copy(home, origin.schema);
    data->table_name = copy(home, origin.table);
    data->column_name = copy(home, origin.column);
    data->datatype_name = copy(home, origin.datatype);
    data->constraint_name = copy(home, origin.constraint);
    data->filename = copy(home, origin.file);
    data->funcname = copy(home, origin.function);
    data->internalquery = copy(home, origin.internal_query);
    data->lineno = origin.line;
    data->cursorpos = origin.cursor_position;
    data->internalpos = origin.internal_position;
    return {data, origin.from_postgres};
}

Failure keep(MemoryContext home, const char *message) noexcept {
    ErrorData *data = blank(home);
    if (data == nullptr) return {};
    data->sqlerrcode = ERRCODE_INTERNAL_ERROR;
    data->message = static_cast<char *>(
        MemoryContextAllocExtended(home, strlen(message) + 1, MCXT_ALLOC_NO_OOM));
    if (data->message != nullptr) strcpy(data->message, message);
    return {data, false};
}

void raise(const Failure &failure) {
    if (failure.data == nullptr)
        ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
    // Errors of PostgreSQL have run the context callbacks already; ours have not.
    if (failure.from_postgres) ReThrowError(failure.data);
    // ThrowErrorData forgets these two; a context callback may still set them.
    ErrorContextCallback hide{error_context_stack, hide_statement, nullptr};
    if (failure.data->hide_stmt) error_context_stack = &hide;
    ThrowErrorData(failure.data);
    pg_unreachable();
}

void throw_captured(MemoryContext home) {
    MemoryContextSwitchTo(home);
    ErrorData *data = nullptr;
    auto take = [&] {
        data = CopyErrorData();
        FlushErrorState();
    };
    if (!protect(take)) {
        FlushErrorState();
        throw Error("53200", "out of memory");
    }
    throw describe(data);
}

void forget_statement(Error &error, std::string_view sql) {
    if (sql.empty() || error.error_class() == "XX") return;
    if (error.origin.internal_query == sql) {
        error.origin.internal_query.clear();
        error.origin.internal_position = 0;
    }
    // Its line is a few words, the statement and a quote, in whatever language: what goes on longer
    // before or after it is a statement of the user that has ours in it.
    constexpr size_t kWords = 48;
    constexpr size_t kQuote = 6;
    std::string &context = error.origin.context;
    for (size_t at = context.find(sql); at != std::string::npos; at = context.find(sql, at + 1)) {
        const size_t ours = at + sql.size();
        const size_t end = std::min(context.find('\n', ours), context.size());
        const size_t newline = at == 0 ? std::string::npos : context.rfind('\n', at - 1);
        const size_t begin = newline == std::string::npos ? 0 : newline + 1;
        if (at - begin > kWords || end - ours > kQuote) continue;
        if (begin > 0)
            context.erase(newline, end - newline);
        else
            context.erase(0, end + 1);
        return;
    }
}

}  // namespace kpi::pg
