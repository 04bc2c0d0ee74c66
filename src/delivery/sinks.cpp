#include "delivery/sinks.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "delivery/reference.hpp"
#include "net/sink/kind.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"

namespace kpi::delivery {
namespace {

int64_t whole(const net::Sink &sink, std::string_view name, int64_t otherwise, int64_t most) {
    const int64_t value = net::number_option(sink, name, otherwise);
    if (value < 1 || value > most)
        throw Error("22023",
                    fmt::format("option \"{}\" of the sink must be from 1 to {}", name, most));
    return value;
}

double rate(const net::Sink &sink) {
    const auto found = sink.options.find("rate");
    if (found == sink.options.end() || found->is_null()) return 0;
    if (!found->is_number() || found->get<double>() < 0)
        throw Error("22023", "option \"rate\" of the sink must be a number, zero or more", {},
                    "It is the most messages a second; 0 is no limit.");
    return found->get<double>();
}

void make_usable(Spec &spec, const Row &row) {
    if (row[4] != "t")
        throw Error("55000", "its secrets are not here", "A dump does not hold them.");
    (void)net::kind(spec.sink.kind);
    spec.sink.options = nlohmann::json::parse(*row[3]);
    spec.sink.secret = nlohmann::json::parse(*row[5]);
    const char *directory = pg::settings().file_directory;
    spec.sink.file_directory = directory == nullptr ? "" : directory;
    const Pace own = pace(spec.sink);
    spec.parallel = own.parallel;
    spec.rate = own.rate;
    spec.max_attempts = own.max_attempts;
    spec.limits = own.limits;
    resolve_all(spec.sink);
}

}  // namespace

void resolve_all(net::Sink &sink) {
    sink.url = resolve(sink.url);
    for (auto &[name, value] : sink.secret.items())
        if (value.is_string()) value = resolve(value.get<std::string>());
}

Pace pace(const net::Sink &sink) {
    constexpr int64_t kHour = 3600;
    Pace result;
    result.parallel = int(whole(sink, "parallelism", result.parallel, 100));
    result.rate = rate(sink);
    result.max_attempts = int(whole(sink, "max_attempts", result.max_attempts, 1000));
    net::Limits &limits = result.limits;
    limits.total_timeout = 1000 * whole(sink, "timeout", limits.total_timeout / 1000, kHour);
    limits.connect_timeout =
        1000 * whole(sink, "connect_timeout", limits.connect_timeout / 1000, kHour);
    limits.response_bytes = whole(sink, "response_bytes", limits.response_bytes, 64 << 20);
    limits.cacert = net::text_option(sink, "cacert");
    return result;
}

std::vector<Spec> every_sink() {
    const Table table = pg::query(
        R"(
        SELECT s.name, s.kind, coalesce(x.url, s.url, ''), s.options, x.sink IS NOT NULL, x.secret,
               coalesce(st.open_until > n.now, false) OR coalesce(st.paused_until > n.now, false),
               coalesce(st.open_until <= n.now, false)
          FROM kpi.sink s
          CROSS JOIN (SELECT pg_catalog.clock_timestamp() AS now OFFSET 0) n
          LEFT JOIN kpi.sink_secret x ON x.sink = s.name
          LEFT JOIN kpi.sink_state st ON st.sink = s.name
         ORDER BY s.name)",
        {}, {.keep = pg::Keep::yes});
    std::vector<Spec> specs;
    for (const Row &row : table.rows) {
        Spec &spec = specs.emplace_back();
        spec.sink.name = *row[0];
        spec.sink.kind = *row[1];
        spec.sink.url = *row[2];
        spec.open = row[6] == "t";
        spec.half_open = row[7] == "t";
        try {
            make_usable(spec, row);
        } catch (const Error &error) {
            spec.unusable = error.message;
        } catch (const nlohmann::json::exception &) {
            spec.unusable = "its options or secrets cannot be read";
        }
    }
    return specs;
}

}  // namespace kpi::delivery
