// Scopes of sql.hpp: transactions, savepoints, roles, settings.
#include "pg/sql.hpp"

#include "pg/guard.hpp"
#include "pg/owner_code.hpp"

namespace kpi::pg {

Transaction::Transaction() {
    call([] {
        SetCurrentStatementStartTimestamp();
        StartTransactionCommand();
    });
}

Transaction::~Transaction() {
    if (open_) attempt([] { AbortCurrentTransaction(); });
}

void Transaction::commit() {
    call([] { CommitTransactionCommand(); });
    open_ = false;
}

void see_one_snapshot() {
    if (FirstSnapshotSet) throw Error("25001", "a statement of this transaction has run already");
    if (XactIsoLevel < XACT_REPEATABLE_READ) XactIsoLevel = XACT_REPEATABLE_READ;
}

OuterSnapshot::OuterSnapshot() : exceptions_(std::uncaught_exceptions()) {
    call([] { PushActiveSnapshot(GetTransactionSnapshot()); });
}

OuterSnapshot::~OuterSnapshot() {
    if (std::uncaught_exceptions() > exceptions_) return;
    attempt([] { PopActiveSnapshot(); });
}

Savepoint::Savepoint() : context_(CurrentMemoryContext), owner_(CurrentResourceOwner) {
    call([this] {
        BeginInternalSubTransaction(nullptr);
        MemoryContextSwitchTo(context_);
    });
}

Savepoint::~Savepoint() {
    if (!open_) return;
    attempt([this] {
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(context_);
        CurrentResourceOwner = owner_;
    });
}

void Savepoint::release() {
    call([this] {
        ReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(context_);
        CurrentResourceOwner = owner_;
    });
    open_ = false;
}

ObjectId current_role() { return {GetUserId()}; }

namespace {

void set_now(const char *name, const char *value) {
    call([&] {
        set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
    });
}

}  // namespace

RunAs::RunAs(ObjectId role, Restriction restriction) {
    GetUserIdAndSecContext(&saved_role_, &saved_context_);
    int context = saved_context_ | SECURITY_LOCAL_USERID_CHANGE;
    const bool restricted =
        restriction != Restriction::identity && restriction != Restriction::refresh;
    if (restricted) {
        context |= SECURITY_RESTRICTED_OPERATION;
        nest_ = NewGUCNestLevel();
    }
    if (restriction != Restriction::identity && restriction != Restriction::full)
        context = owner_code_context(context);
    if (restriction == Restriction::reading) {
        set_now("transaction_read_only", "on");
        set_now("client_min_messages", "error");
        // A million warnings would fill the server's log; errors are still in it.
        if (log_min_messages < ERROR) set_now("log_min_messages", "error");
    }
    SetUserIdAndSecContext(role.value, context);
}

RunAs::~RunAs() {
    const int nest = nest_;
    if (nest != 0) attempt([nest] { AtEOXact_GUC(false, nest); });
    SetUserIdAndSecContext(saved_role_, saved_context_);
}

LocalSettings::LocalSettings(const std::vector<std::pair<const char *, std::string>> &settings)
    : nest_(NewGUCNestLevel()), exceptions_(std::uncaught_exceptions()) {
    for (const auto &[name, text] : settings) {
        const char *value = text.c_str();
        const char *setting = name;
        call([&] {
            set_config_option(setting, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
                              false);
        });
    }
}

LocalSettings::~LocalSettings() {
    // On an error of PostgreSQL the (sub)transaction's abort has undone or will undo the nest
    // level.
    if (std::uncaught_exceptions() > exceptions_) return;
    attempt([this] { AtEOXact_GUC(true, nest_); });
}

std::optional<Error> tried(const std::function<void()> &body) {
    try {
        Savepoint savepoint;
        body();
        savepoint.release();
        return std::nullopt;
    } catch (const Error &error) {
        if (error.error_class() == "57") throw;
        if (error.sqlstate == "40001" && IsolationUsesXactSnapshot()) throw;
        return error;
    }
}

}  // namespace kpi::pg
