#include "net/text/text.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>

namespace kpi::net {

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    return result;
}

size_t characters(std::string_view text) {
    return size_t(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

size_t utf16_units(std::string_view text) {
    return characters(text) + size_t(std::count_if(text.begin(), text.end(), [](char c) {
               return static_cast<unsigned char>(c) >= 0xF0;
           }));
}

std::string percent_encoded(std::string_view text, std::string_view kept) {
    std::string result;
    for (const char c : text)
        if (is_alphanumeric(c) || kept.find(c) != std::string_view::npos)
            result += c;
        else
            result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    return result;
}

std::string date_text(int64_t unix_time) {
    constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
    constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const time_t instant = unix_time;
    std::tm utc = {};
    gmtime_r(&instant, &utc);
    return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02}", kDays[size_t(utc.tm_wday)], utc.tm_mday,
                       kMonths[size_t(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                       utc.tm_sec);
}

bool is_loopback_url(std::string_view url) {
    std::string_view host = url.substr(url.find("://") + 3);
    host = host.substr(0, host.find_first_of("/?#"));
    return host == "127.0.0.1" || host.starts_with("127.0.0.1:") || host == "localhost" ||
           host.starts_with("localhost:") || host == "[::1]" || host.starts_with("[::1]:");
}

}  // namespace kpi::net
