// smtp: one e-mail through a mail server.
//
// URL: smtp://host:587 or smtps://host. Options: from; to (the recipients of messages that name
// none); tls: "starttls" (of smtp://: nothing is sent before the connection is encrypted), "tls"
// (of smtps://), "none" (of loopback addresses only). Secrets: username, password.
// Message: {"to", "cc", "bcc", "reply_to": text or list of texts, "from", "subject", "text",
// "html"}. Content is attached under the last part of its object_key.
//
// The idempotency key is the Message-ID: mail servers that know it drop a second copy. A recipient
// that is refused keeps none of the others from getting the message: it is then delivered, and its
// error and result name who was refused. They are not tried again, since the others would get a
// second copy.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/error.hpp"
#include "net/sink/kind.hpp"
#include "net/sink/smtp/mime.hpp"

namespace kpi::net::smtp {
namespace {

// What every server must take (RFC 5321, 4.5.3.1.8).
constexpr size_t kRecipients = 100;
constexpr std::array<std::string_view, 8> kFields = {"to",   "cc",      "bcc",  "reply_to",
                                                     "from", "subject", "text", "html"};

std::string text_field(const nlohmann::json &object, std::string_view name) {
    const auto found = object.find(std::string(name));
    if (found == object.end() || found->is_null()) return {};
    if (!found->is_string())
        throw Error("22023", fmt::format("\"{}\" of an e-mail must be a text", name));
    return found->get<std::string>();
}

std::vector<Mailbox> mailboxes(const nlohmann::json &object, std::string_view name) {
    const auto found = object.find(std::string(name));
    if (found == object.end() || found->is_null()) return {};
    const nlohmann::json list = found->is_array() ? *found : nlohmann::json::array({*found});
    std::vector<Mailbox> result;
    for (const nlohmann::json &one : list) {
        if (!one.is_string())
            throw Error("22023", fmt::format("\"{}\" of an e-mail must hold addresses", name), {},
                        "Write one text or a list of texts, each one address.");
        result.push_back(parse_mailbox(one.get<std::string>()));
    }
    return result;
}

struct Server {
    bool implicit_tls = false;
    std::string tls;
};

bool is_loopback(std::string_view host) {
    return host == "localhost" || host == "[::1]" ||
           (host.starts_with("127.") &&
            host.find_first_not_of("0123456789.") == std::string_view::npos);
}

Server server(const Sink &sink) {
    Server result;
    std::string_view rest = sink.url;
    result.implicit_tls = rest.starts_with("smtps://");
    if (!result.implicit_tls && !rest.starts_with("smtp://"))
        throw Error("22023", "the URL of an smtp sink must begin with smtp:// or smtps://", {},
                    "It looks like smtp://mail.example.com:587.");
    result.tls = text_option(sink, "tls", result.implicit_tls ? "tls" : "starttls");
    if (result.tls != "starttls" && result.tls != "tls" && result.tls != "none")
        throw Error("22023", "option \"tls\" of an smtp sink must be starttls, tls or none");
    if ((result.tls == "tls") != result.implicit_tls)
        throw Error(
            "22023",
            fmt::format("option \"tls\" is \"{}\", the URL is of the other kind", result.tls), {},
            "tls belongs to smtps://, starttls and none to smtp://.");
    rest.remove_prefix(rest.find("//") + 2);
    rest = rest.substr(0, rest.find('/'));
    const std::string_view host =
        rest.starts_with('[') ? rest.substr(0, rest.find(']') + 1) : rest.substr(0, rest.find(':'));
    if (result.tls == "none" && !is_loopback(host))
        throw Error("22023", "option \"tls\" may be none only for a loopback address", {},
                    "Use starttls.");
    return result;
}

struct Post {
    Letter letter;
    std::vector<std::string> recipients;  // without duplicates, in the order of the message
};

void add(std::vector<std::string> &recipients, const std::vector<Mailbox> &mailboxes) {
    for (const Mailbox &one : mailboxes)
        if (std::find(recipients.begin(), recipients.end(), one.address) == recipients.end())
            recipients.push_back(one.address);
}

Attachment attachment(const Message &message) {
    const std::string &key = message.object_key;
    if (key.empty())
        throw Error("22023", "an attachment needs an object_key", {}, "It names the file.");
    return {key.substr(key.rfind('/') + 1),
            message.content_type.empty() ? "application/octet-stream" : message.content_type,
            *message.content};
}

Post post(const Sink &sink, const Message &message) {
    const nlohmann::json json = parsed(message);
    for (const auto &[name, value] : json.items())
        if (std::find(kFields.begin(), kFields.end(), name) == kFields.end())
            throw Error("22023", fmt::format("an e-mail has no \"{}\"", name), {},
                        fmt::format("It has {}.", fmt::join(kFields, ", ")));
    Post result;
    Letter &letter = result.letter;
    const std::string from = text_field(json, "from");
    letter.from = parse_mailbox(from.empty() ? text_option(sink, "from") : from);
    letter.to = mailboxes(json, "to");
    letter.cc = mailboxes(json, "cc");
    const auto blind = mailboxes(json, "bcc");
    if (letter.to.empty() && letter.cc.empty() && blind.empty())
        letter.to = mailboxes(sink.options, "to");
    letter.reply_to = mailboxes(json, "reply_to");
    letter.subject = text_field(json, "subject");
    letter.text = text_field(json, "text");
    letter.html = text_field(json, "html");
    if (message.content) letter.attachments.push_back(attachment(message));
    letter.id = message.idempotency_key;
    letter.unix_time = message.unix_time;
    for (const auto &list : {letter.to, letter.cc, blind}) add(result.recipients, list);
    if (result.recipients.empty() || result.recipients.size() > kRecipients)
        throw Error("22023",
                    fmt::format("an e-mail has 1 to {} recipients, not {}", kRecipients,
                                result.recipients.size()),
                    {}, "Name them in \"to\" of the message or of the sink's options.");
    if (letter.subject.empty()) throw Error("22023", "an e-mail needs a subject");
    if (letter.text.empty() && letter.html.empty() && !message.content)
        throw Error("22023", "an e-mail needs text, html or content");
    return result;
}

// The replies to the recipients are the last ones before "354" (go ahead with the message). Each
// reply ends with a line whose code is followed by a blank (RFC 5321, 4.2.1).
nlohmann::json refused(std::string_view said, const std::vector<std::string> &recipients) {
    std::vector<std::string> replies;
    bool asked = false;
    while (!said.empty() && !asked) {
        const std::string_view line = said.substr(0, said.find('\n'));
        said.remove_prefix(std::min(said.size(), line.size() + 1));
        asked = line.starts_with("354");
        if (!asked && line.size() >= 3 && (line.size() == 3 || line[3] != '-'))
            replies.push_back(excerpt(line));
    }
    nlohmann::json list = nlohmann::json::array();
    if (!asked || replies.size() < recipients.size()) return list;
    const size_t first = replies.size() - recipients.size();
    for (size_t i = 0; i < recipients.size(); ++i)
        if (!replies[first + i].starts_with('2'))
            list.push_back({{"recipient", recipients[i]}, {"reply", replies[first + i]}});
    return list;
}

Outcome settled(const Response &answer, const std::vector<std::string> &recipients,
                int64_t unix_time) {
    Outcome outcome = judge(answer, unix_time);
    if (outcome.state != Outcome::State::delivered) return outcome;
    outcome.result = {{"recipients", recipients.size()}};
    const nlohmann::json list = refused(answer.body, recipients);
    if (list.empty()) return outcome;
    outcome.result["recipients"] = recipients.size() - list.size();
    outcome.result["refused"] = list;
    for (const nlohmann::json &one : list)
        outcome.error +=
            fmt::format("{}{}: {}", outcome.error.empty() ? "refused " : "; ",
                        one["recipient"].get<std::string>(), one["reply"].get<std::string>());
    return outcome;
}

void check_sink(const Sink &sink) {
    (void)server(sink);
    if (const std::string from = text_option(sink, "from"); !from.empty())
        (void)parse_mailbox(from);
    (void)mailboxes(sink.options, "to");
}

void check_message(const Sink &sink, const Message &message) {
    (void)compose(post(sink, message).letter);
}

Step deliver(const Sink &sink, const Message &message) {
    const Server to = server(sink);
    const Post mail = post(sink, message);
    Request request;
    request.url = sink.url;
    request.user = secret(sink, "username");
    request.password = secret(sink, "password");
    if (request.user.empty() != request.password.empty())
        throw Error("22023", "an smtp sink needs both secrets, username and password, or neither");
    request.mail = Mail{.from = mail.letter.from.address,
                        .recipients = mail.recipients,
                        .text = compose(mail.letter),
                        .starttls = to.tls == "starttls"};
    return exchange(
        std::move(request),
        [recipients = mail.recipients, now = message.unix_time](const Response &answer) -> Step {
            return settled(answer, recipients, now);
        });
}

Message test_message(const Sink &sink) {
    Message message;
    message.body = nlohmann::json{{"subject", "Test of sink " + sink.name},
                                  {"text", "This sink of kpi_ext can send e-mail."}}
                       .dump();
    return message;
}

}  // namespace

const Kind kKind = {
    .name = "smtp",
    .schemes = {"smtp", "smtps"},
    .options = {"from", "to", "tls"},
    .secrets = {"username", "password"},
    .check_sink = check_sink,
    .check_message = check_message,
    .deliver = deliver,
    .test_message = test_message,
};

}  // namespace kpi::net::smtp
