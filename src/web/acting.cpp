#include "web/acting.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/markup.hpp"
#include "web/answers.hpp"
#include "web/http_error.hpp"
#include "web/parameters.hpp"

namespace kpi::web {
namespace {

using nlohmann::json;

// What the pages say; the database names the language.
struct Words {
    const char *title, *acknowledge, *snooze, *acknowledged, *snoozed, *only_reads, *over, *since,
        *back;
};
constexpr Words kEnglish = {"Incident",
                            "Acknowledge",
                            "Silence for {} hours",
                            "Acknowledged. It is not repeated any more.",
                            "Silenced until {}.",
                            "This page only shows numbers: nothing can be acknowledged here.",
                            "This link cannot be used",
                            "since",
                            "To the dashboard"};
constexpr Words kSpanish = {"Incidente",
                            "Reconocer",
                            "Silenciar {} horas",
                            "Reconocido. Ya no se repite.",
                            "Silenciado hasta {}.",
                            "Esta página solo muestra números: aquí no se reconoce nada.",
                            "Este enlace no se puede usar",
                            "desde",
                            "Al panel"};

const Words &words_of(const json &link) {
    return link.value("language", "en") == "es" ? kSpanish : kEnglish;
}

std::string text_of(const json &link, const char *name) {
    const auto found = link.find(name);
    if (found == link.end() || found->is_null()) return {};
    return found->is_string() ? found->get<std::string>() : found->dump();
}

// No script and no style of its own: the browser's own look, readable everywhere.
Response page(unsigned status, const Words &words, const std::string &content) {
    const char *language = &words == &kSpanish ? "es" : "en";
    Response out = text_response(
        status,
        fmt::format(
            "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><meta "
            "name=\"viewport\" "
            "content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" "
            "content=\"light dark\">"
            "<meta name=\"robots\" content=\"noindex\"><title>{}</title></head><body><main>{}<p><a "
            "href=\"/\">{}</a></p></main></body></html>",
            language, words.title, content, words.back),
        "text/html; charset=utf-8");
    out.cache = "no-store";
    return out;
}

HttpError refusal_of(const DatabaseError &error) {
    if (error.sqlstate == "28000")
        return {403, "bad_link", error.message, "Open the newest message about the incident."};
    if (error.sqlstate == "55000") return {410, "link_over", error.message, error.hint};
    if (error.sqlstate == "42704") return {404, "not_found", error.message};
    // A hot standby refuses BEGIN READ WRITE.
    if (error.sqlstate == "0A000") return {403, "read_only", error.message, error.hint};
    return refusal(error);
}

json link_of(const Reply &reply) {
    if (reply.error) throw refusal_of(*reply.error);
    if (reply.row.empty() || !reply.row[0])
        throw HttpError(404, "not_found", "there is no such incident");
    return json::parse(*reply.row[0]);
}

std::string story(const json &link) {
    return fmt::format(
        "<h1>{}</h1><p>{} · {} · {} {}</p>", attribute_escaped(text_of(link, "title")),
        attribute_escaped(text_of(link, "severity")), attribute_escaped(text_of(link, "state")),
        words_of(link).since, attribute_escaped(text_of(link, "since")));
}

std::string done_text(const json &link) {
    const Words &words = words_of(link);
    if (text_of(link, "action") != "snooze") return words.acknowledged;
    return fmt::format(fmt::runtime(words.snoozed), attribute_escaped(text_of(link, "until")));
}

Response broken_page(const HttpError &error) {
    return page(error.status, kEnglish,
                fmt::format("<h1>{}</h1><p>{}</p><p>{}</p>", kEnglish.over,
                            attribute_escaped(error.message), attribute_escaped(error.hint)));
}

void check(const std::string &token) {
    if (token.empty()) throw HttpError(400, "bad_parameter", "token: missing", {}, "token");
    if (token.size() > 1024) throw HttpError(400, "bad_parameter", "token: too long", {}, "token");
}

}  // namespace

ActRequest act_of_form(const Request &request) {
    if (!request.content_type.starts_with("application/x-www-form-urlencoded"))
        throw HttpError(415, "unsupported_media_type", "not a form");
    // The token may stand in the address or in the form.
    NamedTexts given = parse_form(request.body);
    Parameters form(given), address(request.target.parameters);
    ActRequest out{form.text("token", ""), form.text("csrf", "")};
    form.refuse_others();
    const std::string in_address = address.text("token", "");
    address.refuse_others();
    if (out.token.empty()) out.token = in_address;
    check(out.token);
    return out;
}

ActRequest act_of_json(const Request &request) {
    Parameters(request.target.parameters).refuse_others();
    if (!request.content_type.starts_with("application/json"))
        throw HttpError(415, "unsupported_media_type", "not JSON",
                        "Send Content-Type: application/json.");
    const json body = json::parse(request.body, nullptr, false);
    if (!body.is_object() || !body.contains("token") || !body["token"].is_string() ||
        body.size() != 1)
        throw HttpError(400, "bad_body", "not the object {\"token\": \"...\"}");
    ActRequest out{body["token"].get<std::string>(), {}};
    if (out.token.find('\0') != std::string::npos)
        throw HttpError(400, "bad_body", "a NUL in the token");
    check(out.token);
    return out;
}

Question read_question(const std::string &token) {
    check(token);
    return {"SELECT kpi.read_link($1)", {token}, {}, false};
}

Question follow_question(const std::string &token) {
    return {"SELECT kpi.follow_link($1)",
            {token},
            {"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"},
            true};
}

Response acting_page(const Reply &reply, const std::string &token, const std::string &csrf) {
    json link;
    try {
        link = link_of(reply);
    } catch (const HttpError &error) {
        return broken_page(error);
    }
    const Words &words = words_of(link);
    if (link.value("done", false))
        return page(200, words, story(link) + "<p>" + done_text(link) + "</p>");
    if (csrf.empty()) return page(200, words, story(link) + "<p>" + words.only_reads + "</p>");
    const std::string button =
        text_of(link, "action") == "snooze"
            ? fmt::format(fmt::runtime(words.snooze), attribute_escaped(text_of(link, "hours")))
            : std::string(words.acknowledge);
    return page(
        200, words,
        story(link) +
            fmt::format(
                "<form method=\"post\" action=\"/incidents/act\"><input type=\"hidden\" "
                "name=\"token\" value=\"{}\"><input type=\"hidden\" name=\"csrf\" value=\"{}\">"
                "<button type=\"submit\" autofocus>{}</button></form>",
                attribute_escaped(token), attribute_escaped(csrf), button));
}

Response acted_page(const Reply &reply) {
    try {
        const json link = link_of(reply);
        return page(200, words_of(link),
                    story(link) + "<p role=\"status\">" + done_text(link) + "</p>");
    } catch (const HttpError &error) {
        return broken_page(error);
    }
}

Response acted_json(const Reply &reply) {
    const json link = link_of(reply);
    const json out = {{"message", done_text(link)}, {"result", link}};
    Response response =
        text_response(200, out.dump(-1, ' ', false, json::error_handler_t::replace));
    response.cache = "no-store";
    return response;
}

}  // namespace kpi::web
