// net: the wire. Plain C++20 with libcurl and OpenSSL; no PostgreSQL. May include core/ only.
//
// What goes over the wire, as plain data. Nothing here waits: the owner of a Multi does.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kpi::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

// One e-mail, for requests to smtp:// and smtps://. `text` is a whole RFC 5322 message, headers
// first, lines ended by CRLF.
struct Mail {
    std::string from;  // envelope addresses, without display names
    std::vector<std::string> recipients;
    std::string text;
    bool starttls = true;  // smtp:// goes on only when the connection is encrypted
};

struct Request {
    std::string method = "POST";
    std::string url;
    Headers headers;
    std::string body;
    std::optional<Mail> mail;
    // HTTP basic or SMTP login; empty: none
    std::string user, password;
    // On a connection of its own: what a kept one swallows without an answer, libcurl sends again
    // by itself, although the server may have acted.
    bool once = false;
};

// The limits of a sink, the same for each of its requests. Times in milliseconds.
struct Limits {
    int64_t total_timeout = 30'000;
    int64_t connect_timeout = 10'000;
    int64_t response_bytes = 1 << 20;
    // PEM file of authorities to trust instead of the system's; empty: the system's
    std::string cacert;
};

// Why a request got no usable answer. `none`: there is one, whatever its status.
enum class Fault {
    none,
    blocked,    // the host or its address is not allowed
    invalid,    // the request itself cannot be sent (a malformed URL, a protocol that is refused)
    dns,        // the name does not resolve
    connect,    // refused, unreachable, no route
    tls,        // certificate or handshake
    timeout,    // connect or total
    cut,        // the connection ended half-way
    too_large,  // more than Limits::response_bytes
    login,      // the server refused user and password
    refused,    // the mail server refused sender or recipients
    memory,     // there is none left here: nothing is known of the receiver
};

struct Response {
    Fault fault = Fault::none;
    // 0: no answer. SMTP: the last reply code.
    int status = 0;
    std::string error;                           // what happened, in words; without URL
    std::map<std::string, std::string> headers;  // names in lower case; the last one of a name
    std::string body;                            // SMTP: the lines that the server replied
    int64_t sent = 0, received = 0;              // bytes of bodies
};

}  // namespace kpi::net
