#include "net/wire/step.hpp"

#include <algorithm>
#include <charconv>

#include <curl/curl.h>
#include <fmt/format.h>

namespace kpi::net {
namespace {

constexpr int64_t kLongestPause = 86400;

// RFC 9110, 10.2.3: seconds, or an HTTP date.
std::optional<int64_t> retry_after(const Response &answer, int64_t unix_time) {
    const auto header = answer.headers.find("retry-after");
    if (header == answer.headers.end()) return std::nullopt;
    const std::string &text = header->second;
    int64_t seconds = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (fault != std::errc() || end != text.data() + text.size()) {
        const time_t date = curl_getdate(text.c_str(), nullptr);
        if (date < 0) return std::nullopt;
        seconds = date - unix_time;
    }
    return std::clamp<int64_t>(seconds, 0, kLongestPause);
}

bool worth_retrying(Fault fault) {
    switch (fault) {
        case Fault::dns:
        case Fault::connect:
        case Fault::tls:
        case Fault::timeout:
        case Fault::cut:
        case Fault::memory:
            return true;
        case Fault::none:
        case Fault::blocked:
        case Fault::invalid:
        case Fault::too_large:
        case Fault::login:
        case Fault::refused:
            return false;
    }
    return false;
}

}  // namespace

Step exchange(Request request, std::function<Step(const Response &)> then) {
    return std::make_unique<Exchange>(Exchange{std::move(request), std::move(then)});
}

Outcome judge(const Response &answer, int64_t unix_time) {
    using State = Outcome::State;
    Outcome outcome;
    outcome.status = answer.status;
    if (answer.fault != Fault::none) {
        const bool again = worth_retrying(answer.fault);
        outcome.state = again ? State::retry : State::dead;
        outcome.receiver_down = again && answer.fault != Fault::memory;
        outcome.error = answer.error;
        return outcome;
    }
    if (answer.status >= 200 && answer.status < 300) return outcome;
    const std::string said = excerpt(answer.body);
    outcome.error = fmt::format("the receiver answered {}", answer.status);
    if (!said.empty()) outcome.error += ": " + said;
    if (answer.status >= 300 && answer.status < 400) {
        outcome.state = State::dead;
        outcome.error = fmt::format(
            "the receiver answered {}, a redirect; redirects are not followed", answer.status);
        return outcome;
    }
    const bool again = answer.status >= 500 || answer.status == 408 || answer.status == 425 ||
                       answer.status == 429;
    outcome.state = again ? State::retry : State::dead;
    outcome.receiver_down = answer.status >= 500;
    if (again) outcome.retry_after = retry_after(answer, unix_time);
    return outcome;
}

std::string excerpt(std::string_view text, size_t most) {
    std::string line;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool blank = byte <= ' ' || byte == 0x7f;
        if (!blank)
            line += c;
        else if (!line.empty() && line.back() != ' ')
            line += ' ';
        if (line.size() > most + 4) break;
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    if (line.size() <= most) return line;
    size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
    return line.substr(0, end) + "...";
}

}  // namespace kpi::net
