// What other extensions may do in transaction callbacks: write after our flush, or fail.
//
// PostgreSQL calls the callback registered last first. This one is registered at the first use in a
// session, so after kpi_ext's when that is preloaded or was used before; load kpi_test first to
// have it the other way round.
#include "pg/function.hpp"
#include "pg/prelude.hpp"

namespace {

enum class Stage { none, pre_commit, pre_prepare, pre_commit_sub };

// Of the current transaction; plain data, emptied at its end.
char *statement = nullptr;  // in TopTransactionContext
Stage fault = Stage::none;

void forget() {
    statement = nullptr;
    fault = Stage::none;
}

void fail(const char *where) {
    forget();
    throw kpi::Error("KT001", std::string("fault injected at ") + where);
}

void run() {
    const std::string text(statement);
    statement = nullptr;
    kpi::pg::call([] { PushActiveSnapshot(GetTransactionSnapshot()); });
    {
        kpi::pg::Spi spi;
        kpi::pg::execute(text);
    }
    kpi::pg::call([] { PopActiveSnapshot(); });
}

void on_transaction(XactEvent event, void *) {
    const bool before_commit = event == XACT_EVENT_PRE_COMMIT;
    if (before_commit || event == XACT_EVENT_PRE_PREPARE) {
        kpi::pg::enter([before_commit] {
            if (before_commit && fault == Stage::pre_commit) fail("pre_commit");
            if (!before_commit && fault == Stage::pre_prepare) fail("pre_prepare");
            if (statement != nullptr) run();
        });
        return;
    }
    forget();
}

void on_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
    if (event != SUBXACT_EVENT_PRE_COMMIT_SUB || fault != Stage::pre_commit_sub) return;
    kpi::pg::enter([] { fail("pre_commit_sub"); });
}

void register_once() {
    static bool done = false;
    if (done) return;
    kpi::pg::call([] {
        RegisterXactCallback(on_transaction, nullptr);
        RegisterSubXactCallback(on_subtransaction, nullptr);
    });
    done = true;
}

}  // namespace

KPI_FUNCTION(at_precommit) {
    register_once();
    const std::string text = kpi::pg::text_argument(fcinfo, 0);
    const char *from = text.c_str();
    statement = kpi::pg::call([&] { return MemoryContextStrdup(TopTransactionContext, from); });
    return 0;
}

KPI_FUNCTION(fail_at) {
    register_once();
    const std::string stage = kpi::pg::text_argument(fcinfo, 0);
    if (stage == "pre_commit")
        fault = Stage::pre_commit;
    else if (stage == "pre_prepare")
        fault = Stage::pre_prepare;
    else if (stage == "pre_commit_sub")
        fault = Stage::pre_commit_sub;
    else
        throw kpi::Error("22023", "no such stage: " + stage);
    return 0;
}
