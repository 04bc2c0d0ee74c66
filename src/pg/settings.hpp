// Every setting kpi.* of the server's side, read into one plain struct. PostgreSQL writes the
// struct when a value changes.
#pragma once

namespace kpi::pg {

struct Settings {
    // this database wants a worker (read by the launcher in pg_db_role_setting)
    bool worker = false;
    // kB a transaction's unflushed changes may take before they spill
    int accumulator_memory = 32 * 1024;
    int merge_interval = 20;  // ms at least between two merges while deltas arrive
    // deltas after which a merge does not wait for merge_interval
    int merge_threshold = 1000;
    // s at least between two answers to NOTIFY kpi_refresh
    int notify_interval = 10;
    // s between two recomputes of a source with window capture
    int window_interval = 60;
    // s that one step of work on a source may take; doubled each time it takes longer
    int source_timeout = 30;
    int verify_interval = 300;   // s at least between two samples that are compared; 0: none
    int check_timeout = 30;      // s that one check or probe may take
    int check_retention = 30;    // days that results of checks and probes are kept
    int refresh_interval = 300;  // s between two refreshes of one materialized view
    int max_workers = 8;         // database workers running at once
    int job_timeout = 3600;      // s that one transaction of a job may take; 0: no limit
    int report_retention = 400;  // days that reports are kept
    int outbox_retention = 30;   // days that settled messages are kept; 0: until kpi.purge
    // Patterns of hosts that sinks may call (net/egress.hpp); empty: none.
    char *allowed_hosts = nullptr;
    // Whose thresholds and schedules count (kpi.threshold); empty: the presets.
    char *environment = nullptr;
    // The folder that file sinks write below; empty: none.
    char *file_directory = nullptr;
    // Of messages to people: en or es.
    char *language = nullptr;
    // Where kpi_web is reached; empty: messages have no links.
    char *public_url = nullptr;
};

const Settings &settings() noexcept;

// Says whether a list of host patterns can be used: null, or what is wrong with it. pg/ does not
// see net/, so the entry hands it over before define_settings().
using CheckHosts = const char *(*)(const char *patterns) noexcept;
void set_host_check(CheckHosts check);

// Called once, in _PG_init, after every other definition of a setting: reserves the prefix.
void define_settings();

}  // namespace kpi::pg
