// kpi_web: the settings come from the environment (docs/web.md); it serves until SIGTERM.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>

#include "core/error.hpp"
#include "web/log.hpp"
#include "web/server.hpp"

namespace {

constexpr const char *kUsage =
    "kpi_web serves the KPIs of a database with kpi_ext over HTTP.\n"
    "It takes no arguments; KPIS_PG_* and KPIS_WEB_* in the environment say what to do "
    "(docs/web.md).\n";

int serve() {
    const kpi::web::Settings settings = kpi::web::read_settings(kpi::web::variable);
    kpi::web::Server server(settings);
    server.open();
    const bool is_v6 = settings.address.find(':') != std::string::npos;
    kpi::web::log(fmt::format("serving http://{}{}{}:{}/{}", is_v6 ? "[" : "", settings.address,
                              is_v6 ? "]" : "", server.port(),
                              settings.read_only ? ", reading only" : ""));
    server.run();
    kpi::web::log("stopped");
    return 0;
}

}  // namespace

int main(int count, char **arguments) {
    if (count > 1) {
        const bool asked = std::strcmp(arguments[1], "--help") == 0;
        std::fputs(kUsage, asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    // A client that went is an error of its write, no signal.
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return serve();
    } catch (const kpi::Error &error) {
        kpi::web::log(error.hint.empty() ? error.message
                                         : error.message + "\n  hint: " + error.hint);
    } catch (const std::exception &error) {
        kpi::web::log(error.what());
    }
    return 1;
}
