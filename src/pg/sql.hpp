// SQL from C++: typed parameters in, plain tables out; transactions, savepoints and roles as
// objects.
//
//   Spi spi;                                        // one connection for the scope
//   Table t = query("SELECT name FROM kpi.source WHERE base = $1", {ObjectId{relid}});
//
// Errors: every PostgreSQL error arrives as kpi::Error. All names in SQL text are schema-qualified;
// the caller of an SQL entry has search_path pinned by the function's SET clause.
//
// No PostgreSQL header is seen through this one: above pg/ a bare PostgreSQL call does not compile.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/table.hpp"
#include "pg/level.hpp"

struct FunctionCallInfoBaseData;
struct MemoryContextData;
struct ResourceOwnerData;
struct TupleDescData;
struct Tuplestorestate;

namespace kpi::pg {

enum class Atomic { yes, no };  // no: inside a procedure, commit() is allowed
// read_only: the caller's snapshot; for STABLE functions
enum class Access { read_write, read_only };
// Which snapshot a read-write statement sees. `latest`: one taken now, in any isolation level, for
// work that took a lock first and must see everything committed before the lock was granted.
enum class See { usual, latest };

// SPI connection for a scope. On an exception the stack is left to the (sub)transaction's abort.
class Spi {
public:
    explicit Spi(Atomic atomic = Atomic::yes);
    ~Spi();
    Spi(const Spi &) = delete;
    Spi &operator=(const Spi &) = delete;
    // Procedures only: commits and starts a new transaction (no snapshot, no xid until the next
    // statement).
    void commit();

private:
    int exceptions_;
};

// yes: the plan, a generic one, is kept for the session (plans.hpp); for statements that run often.
enum class Keep { no, yes };

struct Options {
    Access access = Access::read_write;
    See see = See::usual;
    long limit = 0;  // rows, 0 = all
    Keep keep = Keep::no;
};

// Needs an open Spi. query() returns rows (also of RETURNING); execute() returns the number of rows
// processed.
Table query(std::string_view sql, const Params &params = {}, const Options &options = {});
int64_t execute(std::string_view sql, const Params &params = {}, const Options &options = {});
// The first cell of the first row; nullopt for no row or NULL.
Cell value(std::string_view sql, const Params &params = {}, const Options &options = {});

// Set-returning function in materialise mode: fills the tuplestore of `fcinfo`.
class ResultSet {
public:
    explicit ResultSet(FunctionCallInfoBaseData *fcinfo);
    // Appends every row of the statement; its columns must have the types of the function's result,
    // in order. Returns the number of rows; only the first `most` are appended.
    int64_t append_query(std::string_view sql, const Params &params, const Options &options,
                         int64_t most = INT64_MAX);
    // For capture: one row of Datums, as many as descriptor() has columns.
    void append(uintptr_t *values, bool *nulls);
    TupleDescData *descriptor() const { return descriptor_; }

private:
    Tuplestorestate *store_ = nullptr;
    TupleDescData *descriptor_ = nullptr;
};

// A transaction of a worker: started here, committed by commit(), aborted by the destructor
// otherwise.
class Transaction {
public:
    Transaction();
    ~Transaction();
    Transaction(const Transaction &) = delete;
    Transaction &operator=(const Transaction &) = delete;
    void commit();

private:
    bool open_ = true;
};

// From here on all statements of the transaction see one snapshot, that of the first of them
// (REPEATABLE READ); whoever writes what somebody else has written since gets 40001. To be called
// after the locks and before the first statement. Errors: 25001 when one has run.
void see_one_snapshot();

// The snapshot around a worker's statements: PostgreSQL runs SQL inside a portal or a snapshot
// only. Taken after the locks of the transaction's beginning. On an exception the transaction's
// abort ends it.
class OuterSnapshot {
public:
    OuterSnapshot();
    ~OuterSnapshot();
    OuterSnapshot(const OuterSnapshot &) = delete;
    OuterSnapshot &operator=(const OuterSnapshot &) = delete;

private:
    int exceptions_;
};

// A subtransaction: the only place (beside Transaction) after which an Error of PostgreSQL may be
// swallowed.
//   try { Savepoint s; ...; s.release(); } catch (const Error &e) { ... }
class Savepoint {
public:
    Savepoint();
    ~Savepoint();
    Savepoint(const Savepoint &) = delete;
    Savepoint &operator=(const Savepoint &) = delete;
    void release();

private:
    MemoryContextData *context_;
    ResourceOwnerData *owner_;
    bool open_ = true;
};

// Runs a part that may fail by itself, in a savepoint: undone when it raises, and the error comes
// back. What is of the whole goes on: a cancel or timeout (class 57), and, where all is to see one
// snapshot, that it cannot (40001).
std::optional<Error> tried(const std::function<void()> &body);

// The role whose rights count now.
ObjectId current_role();

// What the code that runs in the scope may do and leave behind.
//   identity   the role only, for our own SQL
//   full       a restricted context (no SET ROLE, no temporary objects, LISTEN, PREPARE or WITH
//              HOLD) whose settings are undone at its end, on every way out
//   code       likewise, for statements that reach operators and functions of users: no advisory
//              locks and no seed of random() either, which would outlive the scope
//   reading    likewise, and nothing can be written: for expressions and views that only compute.
//              Their notices and warnings are not shown
//   refresh    for REFRESH, which restricts what it runs by itself and needs a temporary table: the
//              role, and no advisory locks
enum class Restriction { identity, full, code, reading, refresh };

// Runs the scope as another role: user-defined SQL runs as its owner, never as the caller or the
// worker.
class RunAs {
public:
    explicit RunAs(ObjectId role, Restriction restriction = Restriction::full);
    ~RunAs();
    RunAs(const RunAs &) = delete;
    RunAs &operator=(const RunAs &) = delete;

private:
    uint32_t saved_role_ = 0;
    int saved_context_ = 0;
    int nest_ = 0;  // 0: no level of settings of its own
};

// Settings for a scope (GUC nest level), e.g. LocalSettings s{{"lock_timeout", "500ms"}};
class LocalSettings {
public:
    explicit LocalSettings(const std::vector<std::pair<const char *, std::string>> &settings);
    ~LocalSettings();
    LocalSettings(const LocalSettings &) = delete;
    LocalSettings &operator=(const LocalSettings &) = delete;

private:
    int nest_;
    int exceptions_;
};

void log(Level level, const std::string &message, const std::string &detail = {},
         const std::string &hint = {});

// Quoting: identifiers and literals go through these two and nothing else.
std::string quote(std::string_view identifier);
std::string literal(std::string_view text);
// SQL of a timestamptz, as the int8 that a Timestamp is.
std::string microseconds(std::string_view expression);
// schema.name of a relation, quoted; throws 42P01 when it does not exist.
std::string qualified(ObjectId relation);

}  // namespace kpi::pg
