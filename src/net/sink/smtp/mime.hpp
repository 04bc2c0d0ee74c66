// E-mail messages as text: RFC 5322 headers, MIME parts (RFC 2045, 2046), encoded words (RFC 2047)
// and file names (RFC 2231). UTF-8 in; lines end in CRLF and have at most 998 bytes (RFC 5322,
// 2.1.1); headers are ASCII. Addresses are ASCII: SMTPUTF8 (RFC 6531) is not spoken.
// Errors: 22023 for an address that is none, and for line ends and other control characters in
// what becomes a header.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kpi::net::smtp {

struct Mailbox {
    std::string name;  // the display name; empty: none
    std::string address;
};

struct Attachment {
    std::string name, content_type, content;
};

struct Letter {
    Mailbox from;
    std::vector<Mailbox> to, cc, reply_to;  // who gets blind copies is in the envelope alone
    std::string subject;
    std::string text, html;  // either may be empty
    std::vector<Attachment> attachments;
    std::string id;  // the part of Message-ID before the @; also seeds the boundaries of parts
    int64_t unix_time = 0;
};

// "Name <user@host>" or "user@host"
Mailbox parse_mailbox(std::string_view text);
// The whole message. The same letter gives the same bytes.
std::string compose(const Letter &letter);

// As it is when it is short printable ASCII, otherwise encoded words on folded lines.
std::string header_text(std::string_view text);
// Lines of at most 76 bytes; line ends of any kind become CRLF. Dots and "From " at the start of a
// line are encoded too: they have a meaning to mail servers.
std::string quoted_printable(std::string_view text);

}  // namespace kpi::net::smtp
