#include "pg/statement.hpp"

#include "pg/guard.hpp"
#include "pg/sql.hpp"
#include "pg/waiter.hpp"

namespace kpi::pg {

std::string single_select(const std::string &sql) {
    const char *text = sql.c_str();
    int count = 0;
    int location = 0;
    int length = 0;
    bool selects = false;
    call([&] {
        List *statements = raw_parser(text, RAW_PARSE_DEFAULT);
        count = list_length(statements);
        if (count != 1) return;
        const auto *raw = linitial_node(RawStmt, statements);
        location = raw->stmt_location;
        length = raw->stmt_len;
        selects = IsA(raw->stmt, SelectStmt) &&
                  reinterpret_cast<SelectStmt *>(raw->stmt)->intoClause == nullptr;
    });
    if (count != 1 || !selects)
        throw Error("22023", "sql must be one SELECT", {},
                    "Write one query that returns rows; it is run read-only.");
    const size_t begin = size_t(std::max(location, 0));
    return length > 0 ? sql.substr(begin, size_t(length)) : sql.substr(begin);
}

std::string readable_select(ObjectId owner, const std::string &sql) {
    const RunAs as_owner(owner, Restriction::reading);
    std::string select = single_select(sql);
    try {
        (void)relations_read(select);
    } catch (Error &error) {
        if (error.sqlstate == "42P01" || error.sqlstate == "42883")
            error.hint = "Names in it need their schema: it runs with an empty search_path.";
        throw;
    }
    return select;
}

bool is_ordered(const std::string &select) {
    const char *text = select.c_str();
    bool ordered = false;
    call([&] {
        const auto *raw = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT));
        ordered = castNode(SelectStmt, raw->stmt)->sortClause != NIL;
    });
    return ordered;
}

std::vector<Output> outputs_of(const std::string &select) {
    const char *text = select.c_str();
    std::vector<Output> out;
    SPIPlanPtr plan = nullptr;
    TupleDesc columns = nullptr;
    call([&] {
        plan = SPI_prepare(text, 0, nullptr);
        if (plan == nullptr)
            elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
        const auto *source =
            static_cast<CachedPlanSource *>(linitial(SPI_plan_get_plan_sources(plan)));
        columns = CreateTupleDescCopy(source->resultDesc);
        for (int i = 0; i < columns->natts; ++i) {
            Form_pg_attribute column = TupleDescAttr(columns, i);
            column->atttypid = getBaseType(column->atttypid);
        }
        SPI_freeplan(plan);
    });
    for (int i = 0; i < columns->natts; ++i) {
        const Form_pg_attribute column = TupleDescAttr(columns, i);
        out.push_back({NameStr(column->attname), {column->atttypid}});
    }
    return out;
}

std::vector<ObjectId> relations_read(const std::string &sql) {
    const char *text = sql.c_str();
    SPIPlanPtr plan = nullptr;
    Oid *found = nullptr;
    int count = 0;
    call([&] {
        plan = SPI_prepare(text, 0, nullptr);
        if (plan == nullptr)
            elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
        ListCell *cell = nullptr;
        foreach (cell, SPI_plan_get_plan_sources(plan)) {
            const List *read = static_cast<CachedPlanSource *>(lfirst(cell))->relationOids;
            const int more = list_length(read);
            auto *all = static_cast<Oid *>(palloc(sizeof(Oid) * size_t(count + more + 1)));
            for (int i = 0; i < count; ++i) all[i] = found[i];
            for (int i = 0; i < more; ++i) all[count + i] = list_nth_oid(read, i);
            found = all;
            count += more;
        }
        SPI_freeplan(plan);
    });
    std::vector<ObjectId> relations;
    relations.reserve(size_t(count));
    for (int i = 0; i < count; ++i) relations.push_back({found[i]});
    return relations;
}

Timing time_statement(const std::string &sql) {
    const char *text = sql.c_str();
    Timing timing;
    const int64_t began = ticks();
    call([&] {
        SPIExecuteOptions options{};
        options.read_only = true;
        options.dest = None_Receiver;
        const int status = SPI_execute_extended(text, &options);
        if (status < 0) elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(status));
    });
    timing.rows = int64_t(SPI_processed);
    timing.microseconds = ticks() - began;
    return timing;
}

}  // namespace kpi::pg
