#include "net/sink/smtp/mime.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/trimmed.hpp"
#include "net/text/text.hpp"

namespace kpi::net::smtp {
namespace {

constexpr size_t kLine = 76;
constexpr size_t kPlainHeader = 60;
// An encoded word has at most 75 bytes, 12 of which are its frame: 63 of base64 hold 45 (rounded to
// whole groups of four).
constexpr size_t kWordBytes = 45;
constexpr size_t kAddressBytes = 254;   // RFC 5321, 4.5.3.1.3
constexpr size_t kFileNameBytes = 255;  // encoded thrice as long, still one line
constexpr std::string_view kAtomMarks = "!#$%&'*+-/=?^_`{|}~";

bool is_atom(char c) { return is_alphanumeric(c) || kAtomMarks.find(c) != std::string_view::npos; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// A line end would begin a header of the writer's choice.
void refuse_controls(std::string_view text, std::string_view what) {
    if (std::any_of(text.begin(), text.end(), is_control))
        throw Error("22023", fmt::format("{} of an e-mail holds a control character", what),
                    "Headers have one line each.");
}

bool is_dotted(std::string_view text, bool (*allowed)(char)) {
    if (text.empty() || text.front() == '.' || text.back() == '.') return false;
    char before = 'a';
    for (const char c : text) {
        if (c == '.' ? before == '.' : !allowed(c)) return false;
        before = c;
    }
    return true;
}

void check_address(const std::string &address) {
    const size_t at = address.rfind('@');
    if (at != std::string::npos && at > 0 && address.size() <= kAddressBytes) {
        const std::string_view local(address.data(), at);
        std::string_view domain = std::string_view(address).substr(at + 1);
        const bool literal = domain.size() > 2 && domain.front() == '[' && domain.back() == ']';
        if (literal) domain = domain.substr(1, domain.size() - 2);
        const auto in_literal = [](char c) { return is_alphanumeric(c) || c == ':'; };
        const auto in_domain = [](char c) { return is_alphanumeric(c) || c == '-'; };
        if (is_dotted(local, is_atom) && is_dotted(domain, literal ? +in_literal : +in_domain))
            return;
    }
    throw Error("22023", fmt::format("\"{}\" is not an e-mail address", address), {},
                "Write user@host or Name <user@host>, in ASCII; a host with other letters in its "
                "xn-- form.");
}

std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    return result + '"';
}

std::string shown(const Mailbox &mailbox) {
    refuse_controls(mailbox.name, "a name");
    check_address(mailbox.address);
    if (mailbox.name.empty()) return mailbox.address;
    const std::string &name = mailbox.name;
    const bool atoms = std::all_of(name.begin(), name.end(),
                                   [](char c) { return c == ' ' || (is_atom(c) && c != '='); });
    std::string encoded = header_text(name);
    // encoded words must not be quoted
    if (encoded == name && !atoms) encoded = quoted(name);
    return fmt::format("{} <{}>", encoded, mailbox.address);
}

std::string address_list(const std::vector<Mailbox> &mailboxes) {
    std::string list;
    for (const Mailbox &mailbox : mailboxes)
        list += (list.empty() ? "" : ",\r\n ") + shown(mailbox);
    return list;
}

std::string disposition(const std::string &name) {
    refuse_controls(name, "the file name");
    if (name.empty() || name.size() > kFileNameBytes)
        throw Error("22023", "the file name of an attachment must have 1 to 255 bytes");
    return "Content-Disposition: attachment;\r\n " +
           (is_ascii(name) ? "filename=" + quoted(name)
                           : "filename*=UTF-8''" + percent_encoded(name)) +
           "\r\n";
}

std::string base64_lines(std::string_view content) {
    std::string lines;
    constexpr size_t kGroups = kLine / 4 * 3;
    lines.reserve(content.size() / kGroups * (kLine + 2) + kLine + 2);
    for (size_t at = 0; at < content.size(); at += kGroups)
        lines += to_base64(content.substr(at, kGroups)) + "\r\n";
    return lines;
}

std::string text_part(std::string_view subtype, std::string_view text) {
    return fmt::format(
        "Content-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        "\r\n{}\r\n",
        subtype, quoted_printable(text));
}

std::string attachment_part(const Attachment &file) {
    refuse_controls(file.content_type, "the content type");
    if (file.content_type.find('/') == std::string::npos || !is_ascii(file.content_type) ||
        file.content_type.size() > kFileNameBytes)
        throw Error("22023", "the content type of an attachment is not valid", {},
                    "It looks like text/csv.");
    return fmt::format("Content-Type: {}\r\n{}Content-Transfer-Encoding: base64\r\n\r\n{}",
                       file.content_type, disposition(file.name), base64_lines(file.content));
}

// "=_" occurs neither in base64 nor in quoted-printable: no part can hold the boundary.
std::string multipart(std::string_view subtype, const std::string &boundary,
                      const std::vector<std::string> &parts) {
    std::string text =
        fmt::format("Content-Type: multipart/{};\r\n boundary=\"{}\"\r\n\r\n", subtype, boundary);
    for (const std::string &part : parts) text += fmt::format("--{}\r\n{}", boundary, part);
    return text + fmt::format("--{}--\r\n", boundary);
}

std::string readable_part(const Letter &letter, const std::string &seed) {
    if (letter.html.empty()) return text_part("plain", letter.text);
    if (letter.text.empty()) return text_part("html", letter.html);
    return multipart("alternative", "=_alternative_" + seed,
                     {text_part("plain", letter.text), text_part("html", letter.html)});
}

}  // namespace

Mailbox parse_mailbox(std::string_view text) {
    refuse_controls(text, "an address");
    Mailbox mailbox;
    const size_t open = text.rfind('<');
    if (open == std::string_view::npos) {
        mailbox.address = trimmed(text);
    } else {
        const std::string_view rest = trimmed(text.substr(open + 1));
        std::string_view name = trimmed(text.substr(0, open));
        if (name.size() > 1 && name.front() == '"' && name.back() == '"')
            name = name.substr(1, name.size() - 2);
        for (size_t i = 0; i < name.size(); ++i) {
            if (name[i] == '\\' && i + 1 < name.size()) ++i;
            mailbox.name += name[i];
        }
        // what stands behind the > makes it no address
        mailbox.address =
            rest.ends_with('>') ? trimmed(rest.substr(0, rest.size() - 1)) : std::string_view(text);
    }
    check_address(mailbox.address);
    return mailbox;
}

std::string header_text(std::string_view text) {
    if (text.size() <= kPlainHeader && is_ascii(text) && text.find("=?") == std::string_view::npos)
        return std::string(text);
    std::string words;
    while (!text.empty()) {
        size_t bytes = std::min(text.size(), kWordBytes);
        // a word holds whole characters (RFC 2047, 5)
        while (bytes > 1 && bytes < text.size() &&
               (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80)
            --bytes;
        words += fmt::format("{}=?UTF-8?B?{}?=", words.empty() ? "" : "\r\n ",
                             to_base64(text.substr(0, bytes)));
        text.remove_prefix(bytes);
    }
    return words;
}

std::string quoted_printable(std::string_view text) {
    std::string result;
    size_t column = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\r' || c == '\n') {
            if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
            result += "\r\n";
            column = 0;
            continue;
        }
        const bool last = i + 1 == text.size() || text[i + 1] == '\r' || text[i + 1] == '\n';
        const bool blank = c == ' ' || c == '\t';
        const bool plain = blank ? !last : c > ' ' && c < 0x7f && c != '=';
        if (column + (plain ? 1 : 3) > kLine - 1) {  // one column stays for the soft line end
            result += "=\r\n";
            column = 0;
        }
        if (plain && (column > 0 || (c != '.' && c != 'F'))) {
            result += c;
            ++column;
        } else {
            result += fmt::format("={:02X}", static_cast<unsigned char>(c));
            column += 3;
        }
    }
    return result;
}

std::string compose(const Letter &letter) {
    refuse_controls(letter.subject, "the subject");
    const std::string &from = letter.from.address;
    std::string head = "Date: " + date_text(letter.unix_time) + " +0000\r\n";
    head += "From: " + shown(letter.from) + "\r\n";
    if (!letter.to.empty()) head += "To: " + address_list(letter.to) + "\r\n";
    if (!letter.cc.empty()) head += "Cc: " + address_list(letter.cc) + "\r\n";
    if (!letter.reply_to.empty()) head += "Reply-To: " + address_list(letter.reply_to) + "\r\n";
    head += "Subject: " + header_text(letter.subject) + "\r\n";
    head += fmt::format("Message-ID: <{}@{}>\r\n", percent_encoded(letter.id),
                        from.substr(from.rfind('@') + 1));
    // RFC 3834: no machine answers this, nobody's holiday notice comes back
    head += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";
    const std::string seed = hex(sha256(letter.id)).substr(0, 24);
    if (letter.attachments.empty()) return head + readable_part(letter, seed);
    std::vector<std::string> parts;
    if (!letter.text.empty() || !letter.html.empty()) parts.push_back(readable_part(letter, seed));
    for (const Attachment &file : letter.attachments) parts.push_back(attachment_part(file));
    return head + multipart("mixed", "=_mixed_" + seed, parts);
}

}  // namespace kpi::net::smtp
