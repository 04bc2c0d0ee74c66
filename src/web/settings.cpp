#include "web/settings.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <fstream>

#include "core/error.hpp"

namespace kpi::web {
namespace {

constexpr size_t kTokenLength = 16;

Error bad(std::string_view name, std::string_view what, std::string hint = {}) {
    return {"22023", fmt::format("{}: {}", name, what), {}, std::move(hint)};
}

class Reader {
public:
    explicit Reader(const Environment &environment) : environment_(environment) {}

    std::optional<std::string> text(std::string_view name) const {
        auto value = environment_(name);
        if (value && value->empty()) value.reset();
        return value;
    }
    int number(std::string_view name, int least, int greatest, int otherwise) const {
        const auto given = text(name);
        if (!given) return otherwise;
        int value = 0;
        const char *end = given->data() + given->size();
        const auto [stop, problem] = std::from_chars(given->data(), end, value);
        if (problem != std::errc() || stop != end || value < least || value > greatest)
            throw bad(name, fmt::format("not a whole number from {} to {}", least, greatest));
        return value;
    }
    bool on(std::string_view name) const {
        const auto given = text(name);
        if (!given || *given == "off" || *given == "false" || *given == "0") return false;
        if (*given == "on" || *given == "true" || *given == "1") return true;
        throw bad(name, "neither on nor off");
    }
    std::vector<std::string> list(std::string_view name) const {
        std::vector<std::string> out;
        const std::string given = text(name).value_or("");
        for (size_t from = 0; from < given.size();) {
            const size_t comma = std::min(given.find(',', from), given.size());
            if (comma > from) out.push_back(given.substr(from, comma - from));
            from = comma + 1;
        }
        return out;
    }

private:
    const Environment &environment_;
};

void read_connection(const Reader &reader, Settings &out) {
    const auto add = [&](const char *keyword, std::optional<std::string> value) {
        if (value) out.connection.emplace_back(keyword, std::move(*value));
    };
    // A later keyword wins: parts are laid over the connection string.
    add("dbname", reader.text("KPIS_PG_DSN"));
    add("host", reader.text("KPIS_PG_HOST"));
    if (reader.text("KPIS_PG_PORT"))
        add("port", std::to_string(reader.number("KPIS_PG_PORT", 1, 65535, 5432)));
    add("user", reader.text("KPIS_PG_USER"));
    add("password", reader.text("KPIS_PG_PASSWORD"));
    if (const auto database = reader.text("KPIS_PG_DB")) {
        if (reader.text("KPIS_PG_DSN"))
            throw bad("KPIS_PG_DB", "KPIS_PG_DSN is set too", "Name the database in one of them.");
        add("dbname", database);
    }
    // A server that vanished without a word is noticed in seconds, not in hours.
    for (const auto &[keyword, value] : {std::pair{"application_name", "kpi_web"},
                                         {"client_encoding", "UTF8"},
                                         {"keepalives_idle", "10"},
                                         {"keepalives_interval", "5"},
                                         {"keepalives_count", "3"},
                                         {"tcp_user_timeout", "20000"}})
        add(keyword, value);
    out.pool = reader.number("KPIS_PG_POOL", 1, 200, out.pool);
    out.statement_timeout =
        std::chrono::milliseconds(reader.number("KPIS_PG_STMT_TIMEOUT_MS", 100, 600000, 5000));
}

void read_listen(const Reader &reader, Settings &out) {
    const std::string listen = reader.text("KPIS_WEB_LISTEN").value_or("127.0.0.1:8080");
    const size_t colon = listen.rfind(':');
    int port = -1;
    if (colon != std::string::npos) {
        const char *end = listen.data() + listen.size();
        const auto [stop, problem] = std::from_chars(listen.data() + colon + 1, end, port);
        if (problem != std::errc() || stop != end) port = -1;
    }
    if (port < 0 || port > 65535 || colon == 0)
        throw bad("KPIS_WEB_LISTEN", "no address with a port",
                  "For example 127.0.0.1:8080 or [::1]:8080.");
    out.port = static_cast<uint16_t>(port);
    out.address = listen.substr(0, colon);
    if (out.address.starts_with('[') && out.address.ends_with(']'))
        out.address = out.address.substr(1, out.address.size() - 2);
}

void read_tokens(const Reader &reader, Settings &out) {
    out.tokens = reader.list("KPIS_WEB_TOKENS");
    if (const auto path = reader.text("KPIS_WEB_TOKENS_FILE")) {
        std::ifstream file(*path);
        if (!file) throw bad("KPIS_WEB_TOKENS_FILE", "cannot be read");
        for (std::string line; std::getline(file, line);) {
            while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
            if (!line.empty() && line.front() != '#') out.tokens.push_back(line);
        }
        if (out.tokens.empty()) throw bad("KPIS_WEB_TOKENS_FILE", "holds no token");
    }
    for (const std::string &token : out.tokens)
        if (token.size() < kTokenLength)
            throw bad("KPIS_WEB_TOKENS", "a token is shorter than 16 characters",
                      "Make one with: openssl rand -hex 24");
    const bool local =
        out.address == "localhost" || out.address == "::1" || out.address.starts_with("127.");
    if (out.tokens.empty() && !local && !reader.on("KPIS_WEB_ANONYMOUS"))
        throw bad("KPIS_WEB_LISTEN", "would show the numbers to everybody who reaches this address",
                  "Set KPIS_WEB_TOKENS, or KPIS_WEB_ANONYMOUS=on where a proxy asks who it is.");
}

}  // namespace

Settings read_settings(const Environment &environment) {
    const Reader reader(environment);
    Settings out;
    read_connection(reader, out);
    read_listen(reader, out);
    read_tokens(reader, out);
    out.threads = reader.number("KPIS_WEB_THREADS", 0, 256, 0);
    out.clients = reader.number("KPIS_WEB_CLIENTS", 1, 1000000, out.clients);
    out.page = reader.text("KPIS_WEB_PAGE").value_or("");
    out.read_only = reader.on("KPIS_WEB_READ_ONLY");
    out.cors_origins = reader.list("KPIS_WEB_CORS_ORIGINS");
    out.secret = reader.text("KPIS_WEB_SECRET").value_or("");
    if (!out.secret.empty() && out.secret.size() < kTokenLength)
        throw bad("KPIS_WEB_SECRET", "shorter than 16 characters");
    out.ping = std::chrono::milliseconds(
        reader.number("KPIS_WEB_PING_MS", 100, 600000, static_cast<int>(out.ping.count())));
    out.public_url = reader.text("KPIS_WEB_URL").value_or("");
    out.request_time = std::chrono::milliseconds(reader.number(
        "KPIS_WEB_REQUEST_MS", 100, 600000, static_cast<int>(out.request_time.count())));
    return out;
}

std::optional<std::string> variable(std::string_view name) {
    const char *value = std::getenv(std::string(name).c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
}

}  // namespace kpi::web
