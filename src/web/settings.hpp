// What kpi_web is told by its environment. docs/web.md lists the variables.
// Errors: Error 22023 that names the variable.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kpi::web {

struct Settings {
    // Keywords and values for libpq; "dbname" may hold a whole connection string.
    std::vector<std::pair<std::string, std::string>> connection;
    int pool = 10;
    std::chrono::milliseconds statement_timeout{5000};

    std::string address = "127.0.0.1";
    uint16_t port = 8080;
    int threads = 0;  // 0: one a core
    int clients = 10000;
    std::string page;  // folder of the page's files; empty: none
    std::vector<std::string> tokens;
    bool read_only = false;
    std::vector<std::string> cors_origins;
    std::string secret;  // of CSRF tokens; empty: a random one of this run
    // of this kpi_web, as browsers see it; decides whether cookies are Secure
    std::string public_url;

    std::chrono::milliseconds request_time{10000};  // for header and body of a request
    std::chrono::milliseconds idle_time{75000};     // between two requests of a connection
    std::chrono::milliseconds ping{15000};
};

using Environment = std::function<std::optional<std::string>(std::string_view)>;

Settings read_settings(const Environment &environment);
// Of this process.
std::optional<std::string> variable(std::string_view name);

}  // namespace kpi::web
