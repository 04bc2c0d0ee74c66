#include "pg/doorbell.hpp"

#include "pg/guard.hpp"

namespace kpi::pg {
namespace {

// PostgreSQL hands a notification to the client; a process without one gets an INFO message in the
// server's log. While the queue is read this takes those messages out of the log and counts them.
int rings = 0;
emit_log_hook_type next_hook = nullptr;

void count(ErrorData *message) {
    // The text is not translated; a renewed wording would show in the log, and kpi_refresh would
    // wake a usual round.
    if (message->elevel == int(Level::info) && message->message != nullptr &&
        strncmp(message->message, "NOTIFY for \"", 12) == 0) {
        ++rings;
        message->output_to_server = false;
        return;
    }
    if (next_hook != nullptr) next_hook(message);
}

}  // namespace

void listen_for_refresh() {
    call([] { Async_Listen("kpi_refresh"); });
}

bool answer_doorbell() {
    if (!notifyInterruptPending) return false;
    rings = 0;
    next_hook = emit_log_hook;
    const int level = log_min_messages;
    auto read = [] { ProcessNotifyInterrupt(false); };
    MemoryContext const home = CurrentMemoryContext;
    emit_log_hook = count;
    log_min_messages = int(Level::info);
    const bool done = protect(read);
    log_min_messages = level;
    emit_log_hook = next_hook;
    if (!done) throw_captured(home);
    return rings > 0;
}

void notify_update(const std::string &payload) {
    const char *text = payload.c_str();
    call([&] { Async_Notify("kpi_update", text); });
}

void finish_notify() {
    call([] { KPI_SIGNAL_LISTENERS(); });
}

}  // namespace kpi::pg
