// Which hosts may be called (kpi.allowed_hosts): a list of patterns, empty: none.
//
//   hooks.slack.com     this name               *.example.com   every name below it
//   10.1.2.3            this address            10.0.0.0/8      addresses of this block; also IPv6
//   *                   every host              !10.0.0.0/8     not these; stronger than the others
//
// A host passes when its name matches, or when the address that it resolves to does. An address is
// judged after name resolution, at the moment the connection is made, so that a name cannot be
// resolved once for the check and again for the call. IPv4 addresses written as IPv6
// (::ffff:a.b.c.d, 64:ff9b::/96, 2002::/16) are judged as IPv4.
// Never reachable, whatever the list says: link-local addresses (169.254.0.0/16, fe80::/10: the
// metadata services of clouds), fd00:ec2::254 and fd20:ce::254 (the same by IPv6), 0.0.0.0/8, ::,
// multicast and broadcast.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct sockaddr;

namespace kpi::net {

// 16 bytes in network order; IPv4 as ::ffff:a.b.c.d.
using Address = std::array<uint8_t, 16>;

class Egress {
public:
    // Patterns separated by commas or blanks. Errors: 22023 for one that is not understood.
    explicit Egress(std::string_view patterns);

    enum class Verdict { allowed, refused, by_address };
    // by_address: the name alone decides nothing, the address may.
    Verdict judge_name(std::string_view host) const;
    // `name`: what judge_name said of the host.
    bool allows(const Address &address, Verdict name) const;

private:
    struct Block {
        Address first;
        int bits;
    };
    struct Pattern {
        bool refuses = false;
        std::string name;  // lower case; "*" every host, ".example.com" every name below
        std::optional<Block> block;
    };
    std::vector<Pattern> patterns_;
};

// nullopt: neither IPv4 nor IPv6.
std::optional<Address> address_of(const sockaddr &socket_address);
std::optional<Address> parse_address(const std::string &text);
bool never_reachable(const Address &address);

}  // namespace kpi::net
