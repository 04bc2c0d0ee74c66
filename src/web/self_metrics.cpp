#include "web/self_metrics.hpp"

#include <fmt/format.h>

namespace kpi::web {

std::string self_metrics(const Stats &stats) {
    std::string out;
    const auto add = [&](const char *name, const char *kind, const char *help, auto value) {
        out += fmt::format("# HELP kpi_web_{0} {1}\n# TYPE kpi_web_{0} {2}\nkpi_web_{0} {3}\n",
                           name, help, kind, value);
    };
    add("requests_total", "counter", "Requests", stats.requests.load());
    add("refused_total", "counter", "Requests answered with a status of 400 to 499",
        stats.refused.load());
    add("failed_total", "counter", "Requests answered with a status of 500 to 599",
        stats.failed.load());
    add("queries_total", "counter", "Questions asked of the database", stats.queries.load());
    add("kept_answers_total", "counter", "Questions answered without asking the database",
        stats.kept.load());
    add("updates_total", "counter", "Updates announced by the database and sent to all streams",
        stats.updates.load());
    add("events_total", "counter", "Events sent, one a stream", stats.events.load());
    add("dropped_streams_total", "counter", "Streams ended because their client did not read",
        stats.dropped.load());
    add("connections", "gauge", "Connections open now", stats.connections.load());
    add("streams", "gauge", "Event streams open now", stats.streams.load());
    add("database_up", "gauge", "1 while the connection that listens is there",
        stats.database_up.load() ? 1 : 0);
    return out;
}

}  // namespace kpi::web
