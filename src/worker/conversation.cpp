#include "worker/conversation.hpp"

#include "net/kind.hpp"
#include "pg/wait.hpp"

namespace kpi::worker {
namespace {

constexpr int64_t kUnixEpoch = 946'684'800;  // 2000-01-01, in seconds since 1970

}  // namespace

int64_t unix_now() { return pg::now() / 1'000'000 + kUnixEpoch; }

std::vector<std::string> secrets_of(const net::Sink &sink) {
    std::vector<std::string> secrets;
    const auto add = [&](const std::string &text) {
        if (text.size() >= 4) secrets.push_back(text);
    };
    const bool query = sink.url.find('?') != std::string::npos;
    if (query || net::kind(sink.kind).url_is_secret) {
        add(sink.url);
        const size_t host = sink.url.find("://");
        const size_t path = host == std::string::npos ? host : sink.url.find('/', host + 3);
        if (path != std::string::npos && path + 1 < sink.url.size()) add(sink.url.substr(path));
    }
    for (const auto &[name, value] : sink.secret.items())
        if (value.is_string()) add(value.get<std::string>());
    return secrets;
}

void redact(std::string &text, const std::vector<std::string> &secrets) {
    for (const std::string &secret : secrets)
        for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += 3)
            text.replace(at, secret.size(), "***");
}

void redact(net::Response &answer, const std::vector<std::string> &secrets) {
    redact(answer.body, secrets);
    for (auto &[name, value] : answer.headers) redact(value, secrets);
}

}  // namespace kpi::worker
