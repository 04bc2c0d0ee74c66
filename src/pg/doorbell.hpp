// NOTIFY kpi_refresh as a doorbell for the worker, and NOTIFY kpi_update, which only the worker
// sends: pending notifications take a lock of the whole cluster at commit, so no business
// transaction may carry one.
//
// SQL LISTEN is refused in background processes; Async_Listen is not. An undrained listener would
// hold back the queue of the whole cluster: answer() runs after every wait and between steps.
#pragma once

#include <string>

namespace kpi::pg {

// Inside a Transaction, once per process.
void listen_for_refresh();
// Outside transactions: reads this process's part of the queue. True: somebody rang kpi_refresh
// (the payload is not looked at: the tables are the letter).
bool answer_doorbell();

// Inside a transaction: sent at its commit. At most 7999 bytes of payload.
void notify_update(const std::string &payload);
// After that commit.
void finish_notify();

}  // namespace kpi::pg
