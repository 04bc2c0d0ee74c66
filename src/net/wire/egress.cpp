#include "net/wire/egress.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "core/error.hpp"
#include "net/text/text.hpp"

namespace kpi::net {
namespace {

constexpr Address kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};

bool within(const Address &address, const Address &first, int bits) {
    const int bytes = bits / 8;
    if (std::memcmp(address.data(), first.data(), size_t(bytes)) != 0) return false;
    const int rest = bits % 8;
    if (rest == 0) return true;
    const auto mask = uint8_t(0xff << (8 - rest));
    return ((address[size_t(bytes)] ^ first[size_t(bytes)]) & mask) == 0;
}

Address mapped(const uint8_t *four) {
    Address address = kMapped;
    std::memcpy(&address[12], four, 4);
    return address;
}

// NAT64 (RFC 6052) and 6to4 (RFC 3056) carry an IPv4 address: that is where the packet goes.
Address unwrapped(const Address &address) {
    constexpr Address nat64 = {0, 0x64, 0xff, 0x9b};
    if (within(address, nat64, 96)) return mapped(&address[12]);
    constexpr Address six_to_four = {0x20, 0x02};
    if (within(address, six_to_four, 16)) return mapped(&address[2]);
    // IPv4-compatible (deprecated by RFC 4291), but not :: and ::1
    constexpr Address zero = {};
    if (within(address, zero, 96) && (address[12] | address[13] | address[14]) != 0)
        return mapped(&address[12]);
    return address;
}

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
        return is_alphanumeric(c) || c == '-' || c == '.' || c == '_';
    });
}

}  // namespace

std::optional<Address> parse_address(const std::string &text) {
    std::string plain = text;
    if (plain.size() > 2 && plain.front() == '[' && plain.back() == ']')
        plain = plain.substr(1, plain.size() - 2);
    Address address{};
    uint8_t four[4];
    if (inet_pton(AF_INET, plain.c_str(), four) == 1) return mapped(four);
    if (inet_pton(AF_INET6, plain.c_str(), address.data()) == 1) return address;
    return std::nullopt;
}

std::optional<Address> address_of(const sockaddr &socket_address) {
    if (socket_address.sa_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &socket_address, sizeof in);
        uint8_t four[4];
        std::memcpy(four, &in.sin_addr, 4);
        return mapped(four);
    }
    if (socket_address.sa_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, &socket_address, sizeof in);
        Address address{};
        std::memcpy(address.data(), &in.sin6_addr, 16);
        return address;
    }
    return std::nullopt;
}

bool never_reachable(const Address &address) {
    static const struct {
        const char *first;
        int bits;
    } blocks[] = {
        {"169.254.0.0", 112}, {"0.0.0.0", 104}, {"224.0.0.0", 100}, {"255.255.255.255", 128},
        {"fe80::", 10},       {"ff00::", 8},    {"::", 128},        {"fd00:ec2::254", 128},
        {"fd20:ce::254", 128}};
    const Address plain = unwrapped(address);
    return std::any_of(std::begin(blocks), std::end(blocks), [&](const auto &block) {
        return within(plain, *parse_address(block.first), block.bits);
    });
}

Egress::Egress(std::string_view patterns) {
    constexpr std::string_view blanks = ", \t\r\n";
    while (true) {
        const size_t start = patterns.find_first_not_of(blanks);
        if (start == std::string_view::npos) return;
        patterns.remove_prefix(start);
        const std::string_view word = patterns.substr(0, patterns.find_first_of(blanks));
        patterns.remove_prefix(word.size());

        Pattern pattern;
        std::string text = lower(word);
        const auto refuse = [&] {
            throw Error("22023", fmt::format("\"{}\" is no host pattern", word), {},
                        "Write a name (hooks.slack.com), names below one (*.example.com), an "
                        "address, a block (10.0.0.0/8) or *, with ! in front to refuse it.");
        };
        if (text.front() == '!') {
            pattern.refuses = true;
            text.erase(0, 1);
        }
        const size_t slash = text.find('/');
        if (const auto address = parse_address(text.substr(0, slash))) {
            const bool four = within(*address, kMapped, 96);
            int bits = four ? 32 : 128;
            if (slash != std::string::npos) {
                const char *end = text.data() + text.size();
                int given = -1;
                const auto [stop, fault] = std::from_chars(text.data() + slash + 1, end, given);
                if (fault != std::errc() || stop != end || given < 0 || given > bits) refuse();
                bits = given;
            }
            pattern.block = Block{*address, four ? bits + 96 : bits};
        } else if (text == "*") {
            pattern.name = text;
        } else if (text.starts_with("*.") && is_name(text.substr(2))) {
            pattern.name = text.substr(1);
        } else if (is_name(text)) {
            pattern.name = text;
        } else {
            refuse();
        }
        patterns_.push_back(std::move(pattern));
    }
}

Egress::Verdict Egress::judge_name(std::string_view host) const {
    std::string name = lower(host);
    if (name.ends_with('.')) name.pop_back();
    if (const auto address = parse_address(name)) {
        return allows(*address, Verdict::by_address) ? Verdict::allowed : Verdict::refused;
    }
    bool allowed = false;
    bool blocks = false;
    for (const Pattern &pattern : patterns_) {
        if (pattern.block) {
            blocks = blocks || !pattern.refuses;
            continue;
        }
        const bool match = pattern.name == "*" || pattern.name == name ||
                           (pattern.name.front() == '.' && name.ends_with(pattern.name));
        if (!match) continue;
        if (pattern.refuses) return Verdict::refused;
        allowed = true;
    }
    if (allowed) return Verdict::allowed;
    return blocks ? Verdict::by_address : Verdict::refused;
}

bool Egress::allows(const Address &address, Verdict name) const {
    if (name == Verdict::refused || never_reachable(address)) return false;
    const Address plain = unwrapped(address);
    bool allowed = name == Verdict::allowed;
    for (const Pattern &pattern : patterns_) {
        const bool match = pattern.block ? within(plain, pattern.block->first, pattern.block->bits)
                                         : pattern.name == "*";
        if (!match) continue;
        if (pattern.refuses) return false;
        allowed = true;
    }
    return allowed;
}

}  // namespace kpi::net
