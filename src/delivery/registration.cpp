#include "delivery/registration.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.hpp"
#include "core/similar_names.hpp"
#include "delivery/reference.hpp"
#include "delivery/sinks.hpp"
#include "net/sink/kind.hpp"
#include "net/wire/egress.hpp"
#include "net/wire/transfer.hpp"
#include "pg/lock.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"

namespace kpi::delivery {

void check_reader(ObjectId caller) {
    if (pg::value("SELECT pg_catalog.pg_has_role($1, 'pg_read_server_files', 'USAGE')", {caller}) ==
        "t")
        return;
    throw Error("42501", "permission denied to use the server's files and environment",
                "References env:NAME, file:/path and ini:/path#section#key, and the option cacert, "
                "are read on the server.",
                "A member of pg_read_server_files may use them.");
}

namespace {

void check_name(const std::string &name) {
    const auto lower = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    const auto inner = [&](char c) { return lower(c) || (c >= '0' && c <= '9'); };
    if (!name.empty() && name.size() <= 40 && lower(name[0]) &&
        std::all_of(name.begin(), name.end(), inner))
        return;
    throw Error("42602", fmt::format("\"{}\" is not a name for a sink", name), {},
                "A name has lower-case letters, digits and underscores, at most 40, and begins "
                "with no digit.");
}

nlohmann::json object(const std::string &text, std::string_view what) {
    // NOLINTNEXTLINE(cppcoreguidelines-init-variables)
    auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object())
        throw Error("22023", fmt::format("{} of the sink must be a JSON object", what));
    return json;
}

// {"headers": {"A": "x"}} -> {"header A": "x"}: every secret is one text, with its own reference.
void spread_headers(const net::Kind &kind, nlohmann::json &secret) {
    const auto found = secret.find("headers");
    if (!kind.has_secret_headers || found == secret.end()) return;
    if (!found->is_object())
        throw Error("22023", "secret \"headers\" of the sink must be an object of texts");
    const nlohmann::json headers = *found;
    secret.erase(found);
    for (const auto &[name, value] : headers.items())
        secret[std::string(net::kHeaderSecret) + name] = value;
}

void check_secrets(const net::Kind &kind, const nlohmann::json &secret) {
    for (const auto &[name, value] : secret.items()) {
        const bool header = kind.has_secret_headers && name.starts_with(net::kHeaderSecret);
        if (!header &&
            std::find(kind.secrets.begin(), kind.secrets.end(), name) == kind.secrets.end())
            throw Error("22023",
                        fmt::format("a sink of kind {} has no secret \"{}\"", kind.name, name), {},
                        kind.secrets.empty()
                            ? "It has no secrets."
                            : fmt::format("Its secrets are {}{}.", fmt::join(kind.secrets, ", "),
                                          kind.has_secret_headers ? ", headers" : ""));
        if (!value.is_string())
            throw Error("22023", fmt::format("secret \"{}\" of the sink must be a text", name));
    }
}

void check_options(const net::Kind &kind, const nlohmann::json &options) {
    std::vector<std::string> known(kPaceOptions.begin(), kPaceOptions.end());
    known.insert(known.end(), kind.options.begin(), kind.options.end());
    for (const auto &[name, value] : options.items()) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        const bool secret =
            std::find(kind.secrets.begin(), kind.secrets.end(), name) != kind.secrets.end();
        const std::string meant = near(name, known);
        throw Error("22023", fmt::format("a sink of kind {} has no option \"{}\"", kind.name, name),
                    {},
                    secret           ? "It is a secret: give it in the argument secret."
                    : !meant.empty() ? fmt::format("Perhaps {} is meant.", meant)
                                     : fmt::format("Its options are {}.", fmt::join(known, ", ")));
    }
}

// The URL with its reference resolved, which no text of an error quotes.
void check_url(const net::Kind &kind, const std::string &url) {
    if (url.empty()) return;
    if (kind.schemes.empty())
        throw Error("22023", fmt::format("a sink of kind {} has no URL", kind.name), {},
                    fmt::format("Where it writes is said by its options, the fourth argument: {}.",
                                fmt::join(kind.options, ", ")));
    if (std::any_of(url.begin(), url.end(), [](char c) { return c >= 0 && c <= ' '; }))
        throw Error("22023", "the URL of the sink holds a blank", {},
                    "Write a blank inside a URL as %20, and none around it.");
    const size_t end = url.find("://");
    const std::string scheme = url.substr(0, end == std::string::npos ? 0 : end);
    if (std::find(kind.schemes.begin(), kind.schemes.end(), scheme) == kind.schemes.end())
        throw Error("22023",
                    fmt::format("the URL of a sink of kind {} must begin with {}://", kind.name,
                                fmt::join(kind.schemes, ":// or ")),
                    {},
                    fmt::format("It looks like {}://host.example.com/path.", kind.schemes.back()));
    if (net::host_of(url).empty())
        throw Error("22023", "the URL of the sink is not valid", {},
                    fmt::format("It looks like {}://host.example.com/path.", kind.schemes.back()));
    if (url.substr(end + 3, url.find_first_of("/?#", end + 3) - end - 3).find('@') !=
        std::string::npos)
        throw Error("22023", "the URL of the sink holds a user or a password", {},
                    kind.has_secret_headers
                        ? "Give them as secret => '{\"authorization\": \"Basic ...\"}'."
                    : kind.secrets.empty()
                        ? "This kind of sink needs none."
                        : fmt::format("Its secrets are {}.", fmt::join(kind.secrets, ", ")));
}

void check_references(ObjectId caller, const net::Sink &sink) {
    bool reads = is_reference(sink.url) || !net::text_option(sink, "cacert").empty();
    for (const auto &[name, value] : sink.secret.items())
        reads = reads || is_reference(value.get<std::string>());
    if (reads) check_reader(caller);
}

net::Egress egress() {
    const char *hosts = pg::settings().allowed_hosts;
    return net::Egress(hosts == nullptr ? "" : hosts);
}

// A host that only its address can decide is judged when a message is sent.
void warn_of_hosts(const net::Sink &sink) {
    const net::Kind &kind = net::kind(sink.kind);
    const std::vector<std::string> called =
        kind.calls == nullptr ? std::vector<std::string>{sink.url} : kind.calls(sink);
    for (const std::string &url : called) {
        const std::string host = net::host_of(url);
        if (host.empty() || egress().judge_name(host) != net::Egress::Verdict::refused) continue;
        pg::log(pg::Level::warning,
                fmt::format("nothing is sent to sink \"{}\" yet: its host \"{}\" is not in "
                            "kpi.allowed_hosts",
                            sink.name, host),
                {}, "A superuser adds it to the setting kpi.allowed_hosts.");
    }
}

// What was given; its references are still what was given.
net::Sink checked(ObjectId caller, const NewSink &given) {
    check_name(given.name);
    const net::Kind &kind = net::kind(given.kind);
    net::Sink sink;
    sink.name = given.name;
    sink.kind = given.kind;
    sink.url = given.url;
    sink.options = object(given.options, "options");
    sink.secret = object(given.secret, "secret");
    spread_headers(kind, sink.secret);
    if (kind.needs_url && sink.url.empty())
        throw Error("22023", fmt::format("a sink of kind {} needs a url", kind.name));
    check_options(kind, sink.options);
    check_secrets(kind, sink.secret);
    (void)pace(sink);
    check_references(caller, sink);
    return sink;
}

// Whether the references can be read already.
bool is_readable(net::Sink &sink) {
    try {
        resolve_all(sink);
        return true;
    } catch (const Error &error) {
        pg::log(pg::Level::warning,
                fmt::format("sink \"{}\" cannot be used yet: {}", sink.name, error.message), {},
                error.hint);
        return false;
    }
}

Param or_null(const std::string &text) {
    if (text.empty()) return Null{};
    return text;
}

void store(ObjectId caller, const NewSink &given, const std::string &secret) {
    const std::string shown = shown_url(given.url, net::kind(given.kind).url_is_secret);
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    const int64_t stored = pg::execute(
        R"(
        INSERT INTO kpi.sink AS s (name, kind, url, options, from_environment, owner)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (name) DO UPDATE SET kind = EXCLUDED.kind, url = EXCLUDED.url, options = EXCLUDED.options,
                                         from_environment = EXCLUDED.from_environment,
                                         changed_at = pg_catalog.clock_timestamp()
         WHERE kpi._may_run($6, s.owner))",
        {given.name, given.kind, or_null(shown), Json{given.options}, given.from_environment,
         caller});
    if (stored == 0)
        throw Error(
            "42501", fmt::format("sink \"{}\" belongs to another role", given.name), {},
            "Choose another name, or ask its owner or a member of kpi_operator to change it.");
    pg::execute(
        R"(
        INSERT INTO kpi.sink_secret AS s (sink, url, secret) VALUES ($1, $2, $3)
        ON CONFLICT (sink) DO UPDATE SET url = EXCLUDED.url, secret = EXCLUDED.secret)",
        {given.name, shown == given.url ? Param(Null{}) : Param(given.url), Json{secret}});
    pg::execute("DELETE FROM kpi.sink_state WHERE sink = $1", {given.name});
}

}  // namespace

std::string shown_url(const std::string &url, bool is_secret) {
    if (url.empty() || is_reference(url)) return url;
    const size_t scheme = url.find("://");
    const size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
    const size_t end = std::min(url.find_first_of("/?#", begin), url.size());
    std::string host = url.substr(begin, end - begin);
    const size_t user = host.rfind('@');
    if (!is_secret && user == std::string::npos && url.find('?') == std::string::npos) return url;
    if (scheme == std::string::npos) return "...";
    if (user != std::string::npos) host.erase(0, user + 1);
    return url.substr(0, begin) + host + "/...";
}

void add_sink(ObjectId caller, const NewSink &given) {
    net::Sink sink = checked(caller, given);
    const std::string secret = sink.secret.dump();  // with its references
    const bool readable = is_readable(sink);
    const net::Kind &kind = net::kind(given.kind);
    if (readable) check_url(kind, sink.url);
    if (readable && kind.check_sink != nullptr) kind.check_sink(sink);
    store(caller, given, secret);
    if (readable) warn_of_hosts(sink);
}

void check_use(ObjectId caller, const std::string &sink, Use use) {
    const Table found = pg::query(
        R"(
        SELECT kpi._may_run($2, s.owner),
               EXISTS (SELECT FROM kpi.sink_share h WHERE h.sink = s.name AND pg_catalog.pg_has_role($2, h.role, 'USAGE'))
          FROM kpi.sink s WHERE s.name = $1)",
        {sink, caller}, {.see = pg::See::latest, .keep = pg::Keep::yes});
    if (found.empty())
        throw Error("42704", fmt::format("sink \"{}\" does not exist", sink), {},
                    "Add it with kpi.add_sink; yours are in kpi.sink.");
    const Row &row = found.rows[0];
    if (row[0] == "t" || (use == Use::send && row[1] == "t")) return;
    throw Error("42501", fmt::format("sink \"{}\" belongs to another role", sink), {},
                use == Use::send ? "Its owner lets others send to it with kpi.share_sink."
                                 : "Its owner changes it, or a member of kpi_operator.");
}

void share_sink(ObjectId caller, const std::string &name, ObjectId role) {
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    pg::lock_name("sink " + name, pg::Sharing::exclusive);
    check_use(caller, name, Use::change);
    if (!pg::value("SELECT rolname FROM pg_catalog.pg_roles WHERE oid = $1", {role}))
        throw Error("42704", fmt::format("role with OID {} does not exist", role.value));
    pg::execute("INSERT INTO kpi.sink_share (sink, role) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                {name, role});
}

void unshare_sink(ObjectId caller, const std::string &name, ObjectId role) {
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    check_use(caller, name, Use::change);
    pg::execute("DELETE FROM kpi.sink_share WHERE sink = $1 AND role = $2", {name, role});
}

void drop_sink(ObjectId caller, const std::string &name) {
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    // kpi.notify holds it shared, so no message is queued behind this.
    pg::lock_name("sink " + name, pg::Sharing::exclusive);
    check_use(caller, name, Use::change);
    pg::execute("DELETE FROM kpi.sink WHERE name = $1", {name}, {.see = pg::See::latest});
    pg::execute("DELETE FROM kpi.sink_share WHERE sink = $1", {name});
    pg::execute("DELETE FROM kpi.sink_secret WHERE sink = $1", {name});
    pg::execute("DELETE FROM kpi.sink_state WHERE sink = $1", {name});
    const int64_t cancelled = pg::execute(R"(
        UPDATE kpi.outbox SET state = 'cancelled', error = 'the sink was dropped',
                              settled_at = pg_catalog.clock_timestamp()
         WHERE sink = $1 AND state = 'pending')",
                                          {name}, {.see = pg::See::latest});
    if (cancelled > 0)
        pg::log(
            pg::Level::notice,
            fmt::format("{} messages that waited for sink \"{}\" are cancelled", cancelled, name));
}

}  // namespace kpi::delivery
