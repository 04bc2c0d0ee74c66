#include "pg/settings.hpp"

#include "pg/prelude.hpp"

#include <algorithm>
#include <string_view>

namespace kpi::pg {
namespace {

Settings values;

struct IntSetting {
    const char *name, *what, *more;
    int *value;
    int least, most;
    GucContext context;
    int unit;
};

// ALTER DATABASE ... SET must be able to change what the worker reads, so these are not PGC_SIGHUP;
// only the limit of the whole cluster is. A worker restarts when the settings of its database
// change.
const IntSetting kIntSettings[] = {
    {"kpi.accumulator_memory",
     "Memory a transaction's captured changes may take before they spill to the delta table.",
     "Like work_mem it bounds the session that sets it; a smaller value never changes a result.",
     &values.accumulator_memory, 64, MAX_KILOBYTES, PGC_USERSET, GUC_UNIT_KB},
    {"kpi.merge_interval",
     "Shortest time between two merges of deltas into the rollups while changes arrive.",
     "The worker also rests four times as long as a merge took, at most 500 ms. Reads are exact "
     "whatever the value: it decides how many deltas a read meets.",
     &values.merge_interval, 10, 60 * 1000, PGC_SUSET, GUC_UNIT_MS},
    {"kpi.merge_threshold",
     "Number of deltas after which the worker merges without waiting for kpi.merge_interval.",
     nullptr, &values.merge_threshold, 1, INT_MAX, PGC_SUSET, 0},
    {"kpi.notify_interval", "Shortest time between two rounds that NOTIFY kpi_refresh asks for.",
     "Every role that may connect may NOTIFY; kpi.wake(), for kpi_admin, is never held back.",
     &values.notify_interval, 0, 86400, PGC_SUSET, GUC_UNIT_S},
    {"kpi.window_interval", "Time between two recomputes of a source with window capture.",
     "kpi.wake() asks for one at once, NOTIFY kpi_refresh at most every kpi.doorbell_interval.",
     &values.window_interval, 1, 7 * 86400, PGC_SUSET, GUC_UNIT_S},
    {"kpi.source_timeout",
     "Time that the worker gives to one step of work on a source before it turns to the others.",
     "The source is tried again later, with twice the time. 0: no limit.", &values.source_timeout,
     0, 7 * 86400, PGC_SUSET, GUC_UNIT_S},
    {"kpi.verify_interval",
     "Shortest time between two samples of days that an idle worker compares with the facts view.",
     "Each takes 5 seconds at most, all of them one in a hundred of the worker's time. 0: none.",
     &values.verify_interval, 0, 30 * 86400, PGC_SUSET, GUC_UNIT_S},
    {"kpi.refresh_interval", "Shortest time between two refreshes of a watched materialized view.",
     nullptr, &values.refresh_interval, 1, 30 * 86400, PGC_SUSET, GUC_UNIT_S},
    {"kpi.job_timeout", "Time that one transaction of a job may take before it is cancelled.",
     "Of the background process; in CALL kpi.work() the timeouts of the session count. 0: no "
     "limit.",
     &values.job_timeout, 0, 7 * 86400, PGC_SUSET, GUC_UNIT_S},
    {"kpi.outbox_retention",
     "Days after which messages that are delivered, dead or cancelled are deleted.",
     "0: never; kpi.purge() deletes them by hand.", &values.outbox_retention, 0, 36500, PGC_SUSET,
     0},
    {"kpi.report_retention", "Days after which reports are deleted.",
     "One that a message refers to is kept as long as the message.", &values.report_retention, 1,
     36500, PGC_SUSET, 0},
    {"kpi.check_timeout",
     "Time that one check, probe, SELECT or format of a report may take before it is cancelled.",
     "A check that is cancelled is in state error, a probe counts as slow.", &values.check_timeout,
     1, 86400, PGC_SUSET, GUC_UNIT_S},
    {"kpi.check_retention", "Days after which results of checks and probes are deleted.", nullptr,
     &values.check_retention, 1, 36500, PGC_SUSET, 0},
    {"kpi.max_workers",
     "Number of database workers that run at once; further databases take turns.",
     "Each takes one of max_worker_processes; the launcher takes one more.", &values.max_workers, 0,
     1024, PGC_SIGHUP, 0},
};

CheckHosts check_hosts = nullptr;

bool check_allowed_hosts(char **value, void **, GucSource) {
    if (check_hosts == nullptr || *value == nullptr) return true;
    const char *fault = check_hosts(*value);
    if (fault == nullptr) return true;
    GUC_check_errdetail("%s", fault);
    return false;
}

bool check_language(char **value, void **, GucSource) {
    if (*value != nullptr && (std::string_view(*value) == "en" || std::string_view(*value) == "es"))
        return true;
    GUC_check_errhint("Use en or es.");
    return false;
}

// It stands in messages as it is: nothing that would end a link in one of them.
bool check_public_url(char **value, void **, GucSource) {
    const std::string_view url = *value == nullptr ? "" : *value;
    if (url.empty()) return true;
    const size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
    const auto plain = [](char c) {
        return c > ' ' && c < 0x7f &&
               std::string_view("\"<>\\^`{|}?#@|").find(c) == std::string_view::npos;
    };
    if (scheme != 0 && url.size() > scheme && url[scheme] != '/' && url.size() <= 200 &&
        std::all_of(url.begin(), url.end(), plain))
        return true;
    GUC_check_errhint(
        "Use an address without query and fragment, at most 200 characters long: "
        "https://kpi.example.com");
    return false;
}

}  // namespace

void set_host_check(CheckHosts check) { check_hosts = check; }

const Settings &settings() noexcept { return values; }

void define_settings() {
    DefineCustomBoolVariable("kpi.worker", "This database wants a kpi_ext worker.",
                             "Set it with ALTER DATABASE: only that is read. CREATE EXTENSION sets "
                             "it on, off ends the worker.",
                             &values.worker, false, PGC_SUSET, 0, nullptr, nullptr, nullptr);
    for (const IntSetting &s : kIntSettings)
        DefineCustomIntVariable(s.name, s.what, s.more, s.value, *s.value, s.least, s.most,
                                s.context, s.unit, nullptr, nullptr, nullptr);
    DefineCustomStringVariable(
        "kpi.allowed_hosts", "Hosts that sinks may call: names, *.names, addresses, blocks or *.",
        "Empty: none. Only a superuser can change it, for the server or a database.",
        &values.allowed_hosts, "", PGC_SUSET, GUC_LIST_INPUT, check_allowed_hosts, nullptr,
        nullptr);
    DefineCustomStringVariable("kpi.environment",
                               "Environment whose thresholds and schedules count: dev, stg, prod.",
                               "Empty: the presets. kpi.load_environment loads one.",
                               &values.environment, "", PGC_SUSET, 0, nullptr, nullptr, nullptr);
    DefineCustomStringVariable("kpi.file_directory", "Folder below which file sinks write.",
                               "Empty: file sinks cannot write.", &values.file_directory, "",
                               PGC_SUSET, 0, nullptr, nullptr, nullptr);
    DefineCustomStringVariable("kpi.language", "Language of messages to people: en or es.",
                               "Names of metrics and segments are shown as they are.",
                               &values.language, "en", PGC_SUSET, 0, check_language, nullptr,
                               nullptr);
    DefineCustomStringVariable("kpi.public_url",
                               "Address of kpi_web, for links in messages about incidents.",
                               "Empty: messages have no links.", &values.public_url, "", PGC_SUSET,
                               0, check_public_url, nullptr, nullptr);
#if PG_VERSION_NUM >= 150000
    MarkGUCPrefixReserved("kpi");
#else
    EmitWarningsOnPlaceholders("kpi");
#endif
}

}  // namespace kpi::pg
