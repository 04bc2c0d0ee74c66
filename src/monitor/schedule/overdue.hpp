// What somebody must hear about a job: its last run failed or was missed, or one does not begin or
// does not end. Opens and closes the job's incident. Needs an open Spi, as the extension's owner.
#pragma once

#include <string>

namespace kpi::monitor {

// In the transaction that changed the job's ledger.
void watch_job(const std::string &job);
// Every job: for whoever does not run them, and so sees that nobody does.
void watch_jobs();
// Of a job that is no more.
void close_incident(const std::string &job);

}  // namespace kpi::monitor
