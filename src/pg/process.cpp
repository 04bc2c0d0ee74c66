#include "pg/process.hpp"

#include <fmt/format.h>

#include "pg/guard.hpp"

namespace kpi::pg {
namespace {

constexpr int kLauncherRestart = 5;  // seconds

BackgroundWorker describe(const char *type, const char *function) {
    BackgroundWorker worker{};  // zeroed: what is left unset must not be junk
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    strlcpy(worker.bgw_type, type, BGW_MAXLEN);
    strlcpy(worker.bgw_library_name, "kpi_ext", BGW_MAXLEN);
    strlcpy(worker.bgw_function_name, function, BGW_MAXLEN);
    return worker;
}

struct Override {
    const char *name, *value;
};

// Nothing here may be left to ALTER DATABASE, ALTER ROLE or postgresql.conf.
// synchronous_commit: a merge that a crash undoes is merged again, so it need not wait for the
// disk.
constexpr Override kOverrides[] = {
    {"search_path", "pg_catalog, pg_temp"},
    {"default_transaction_isolation", "read committed"},
    {"default_transaction_read_only", "off"},
    {"default_transaction_deferrable", "off"},
    {"session_replication_role", "origin"},
    {"row_security", "off"},
    {"synchronous_commit", "off"},
    {"statement_timeout", "0"},
    {"idle_in_transaction_session_timeout", "0"},
    {"idle_session_timeout", "0"},
#if PG_VERSION_NUM >= 170000
    {"transaction_timeout", "0"},
#endif
    {"TimeZone", "UTC"},
    {"DateStyle", "ISO, YMD"},
    {"IntervalStyle", "postgres"},
    {"extra_float_digits", "1"},
    {"bytea_output", "hex"},
    {"standard_conforming_strings", "on"},
    {"transform_null_equals", "off"},
    {"array_nulls", "on"},
    {"default_tablespace", ""},
    {"temp_tablespaces", ""},
    {"default_table_access_method", "heap"},
    {"zero_damaged_pages", "off"},
};

void handle_signals() {
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    // die, not a flag of our own: waits for locks end too.
    pqsignal(SIGTERM, die);
    BackgroundWorkerUnblockSignals();
}

}  // namespace

void register_launcher() {
    BackgroundWorker worker = describe("kpi_ext launcher", "kpi_ext_launcher_main");
    strlcpy(worker.bgw_name, "kpi_ext launcher", BGW_MAXLEN);
    worker.bgw_restart_time = kLauncherRestart;
    RegisterBackgroundWorker(&worker);
}

std::optional<Process> Process::start(uint32_t database, const std::string &name) {
    BackgroundWorker worker = describe("kpi_ext worker", "kpi_ext_worker_main");
    const std::string title = "kpi_ext worker: " + name;
    strlcpy(worker.bgw_name, title.c_str(), BGW_MAXLEN);
    worker.bgw_main_arg = ObjectIdGetDatum(database);
    return launch(worker);
}

std::optional<Process> Process::start_helper(Helper helper) {
    const bool courier = helper == Helper::courier;
    const char *name = courier ? "kpi_ext courier" : "kpi_ext steward";
    BackgroundWorker worker =
        describe(name, courier ? "kpi_ext_courier_main" : "kpi_ext_steward_main");
    strlcpy(worker.bgw_name, name, BGW_MAXLEN);
    worker.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
    return launch(worker);
}

std::optional<Process> Process::launch(BackgroundWorker &worker) {
    // whoever started it starts it again, with a backoff the postmaster has not
    worker.bgw_restart_time = BGW_NEVER_RESTART;
    worker.bgw_notify_pid = MyProcPid;
    Process process;
    const bool started = call([&] {
        MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
        const bool done = RegisterDynamicBackgroundWorker(&worker, &process.handle_);
        MemoryContextSwitchTo(old);
        return done;
    });
    if (!started) return std::nullopt;
    return process;
}

bool Process::stopped() const {
    pid_t pid = 0;
    return call([&] { return GetBackgroundWorkerPid(handle_, &pid); }) == BGWH_STOPPED;
}

void Process::terminate() const {
    call([this] { TerminateBackgroundWorker(handle_); });
}

void Process::forget() {
    if (handle_ != nullptr) pfree(handle_);
    handle_ = nullptr;
}

void become_launcher() {
    call([] {
        handle_signals();
        BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
        pgstat_report_appname("kpi_ext launcher");
    });
}

namespace {

void connect(uint32_t database, const char *name) {
    call([database, name] {
        handle_signals();
        BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
        // As a setting: one that code of a user sets is undone to this.
        SetConfigOption("application_name", name, PGC_USERSET, PGC_S_OVERRIDE);
        for (const Override &setting : kOverrides)
            SetConfigOption(setting.name, setting.value, PGC_SUSET, PGC_S_OVERRIDE);
        // Half of deadlock_timeout: where a user's DDL and the worker block each other, the worker
        // gives up first.
        char wait[32];
        pg_snprintf(wait, sizeof wait, "%dms", std::max(DeadlockTimeout / 2, 1));
        SetConfigOption("lock_timeout", wait, PGC_SUSET, PGC_S_OVERRIDE);
    });
}

}  // namespace

void become_worker(uint32_t database) { connect(database, "kpi_ext worker"); }

void become_courier(uint32_t database) {
    connect(database, "kpi_ext courier");
    call([] { SetConfigOption("synchronous_commit", "on", PGC_SUSET, PGC_S_OVERRIDE); });
}

void become_steward(uint32_t database) { connect(database, "kpi_ext steward"); }

bool run_errand(uint32_t argument) {
    BackgroundWorker worker = describe("kpi_ext errand", "kpi_ext_errand_main");
    strlcpy(worker.bgw_name, "kpi_ext errand", BGW_MAXLEN);
    worker.bgw_main_arg = UInt32GetDatum(argument);
    worker.bgw_restart_time = BGW_NEVER_RESTART;
    worker.bgw_notify_pid = MyProcPid;
    BackgroundWorkerHandle *handle = nullptr;
    return call([&] {
        if (!RegisterDynamicBackgroundWorker(&worker, &handle)) return false;
        (void)WaitForBackgroundWorkerShutdown(handle);
        return true;
    });
}

void become_errand(uint32_t database, uint32_t role) {
    call([database, role] {
        handle_signals();
        BackgroundWorkerInitializeConnectionByOid(database, role, 0);
        SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_OVERRIDE);
    });
}

void report_activity(const std::string &text) {
    pgstat_report_activity(text.empty() ? STATE_IDLE : STATE_RUNNING,
                           text.empty() ? nullptr : text.c_str());
}

void report_statistics() {
    call([] { pgstat_report_stat(true); });
}

}  // namespace kpi::pg
