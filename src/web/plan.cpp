#include "web/plan.hpp"

#include <fmt/format.h>

#include <map>

#include "web/acting.hpp"
#include "web/files.hpp"
#include "web/questions.hpp"
#include "web/self_metrics.hpp"
#include "web/site.hpp"

namespace kpi::web {
namespace {

constexpr const char *kCookie = "kpis_csrf";

Response json_of(const Answer &answer) {
    if (const auto *error = std::get_if<HttpError>(&answer)) error->raise();
    Response out;
    out.body = std::get<BodyPtr>(answer);
    return out;
}

std::string cookie_header(const std::string &value, const Site &site) {
    const bool secure = site.settings.public_url.starts_with("https:");
    return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict{}", kCookie, value,
                       secure ? "; Secure" : "");
}

// The cookie that the client has, or a new one to be set.
struct Proof {
    std::string cookie, token;
    bool is_new = false;
};

Proof proof_for(const Request &request, const Site &site) {
    Proof out;
    out.cookie = cookie_of(request.cookie, kCookie);
    out.is_new = out.cookie.size() != 32;
    if (out.is_new) out.cookie = Guard::new_cookie();
    out.token = site.guard.csrf_token(out.cookie);
    return out;
}

Plan meta(const Request &request, const Site &site) {
    Parameters parameters(request.target.parameters);
    parameters.refuse_others();
    const Proof proof = proof_for(request, site);
    return Ask{meta_question(site.settings.read_only), [proof, &site](const Answer &answer) {
                   Response out = json_of(answer);
                   std::string text = out.body->text();
                   // The object that all share, and what is this client's own.
                   text.insert(1, fmt::format(R"("read_only" : {}, "csrf" : "{}", )",
                                              site.settings.read_only, proof.token));
                   out = text_response(200, std::move(text));
                   out.cache = "no-store";
                   if (proof.is_new)
                       out.headers.emplace_back("Set-Cookie", cookie_header(proof.cookie, site));
                   return out;
               }};
}

Response not_ready() {
    Response out = text_response(503, R"({"status":"waiting","database":"down"})");
    out.headers.emplace_back("Retry-After", "2");
    return out;
}

// Who asks whether to send requests here has no time to wait for a database that is known to be
// away.
Plan ready(const Site &site) {
    if (!site.stats.database_up.load()) return not_ready();
    return Fetch{{"SELECT 1", {}, {}, false}, [](const Reply &reply) {
                     if (reply.error) return not_ready();
                     return text_response(200, R"({"status":"ready","database":"up"})");
                 }};
}

Plan metrics(const Request &request, const Site &site) {
    Parameters parameters(request.target.parameters);
    return Ask{metrics_question(parameters), [&site](const Answer &answer) {
                   std::string text;
                   const auto *error = std::get_if<HttpError>(&answer);
                   if (error != nullptr && error->status < 500) error->raise();
                   // While the database is away, what is counted here still shows that.
                   if (error == nullptr) text = std::get<BodyPtr>(answer)->text();
                   text += self_metrics(site.stats);
                   return text_response(200, std::move(text),
                                        "text/plain; version=0.0.4; charset=utf-8");
               }};
}

void want_csrf(const Request &request, const Site &site, const std::string &token) {
    if (site.guard.csrf_matches(cookie_of(request.cookie, kCookie), token)) return;
    throw HttpError(403, "csrf", "the request does not prove that it comes from this page",
                    "Send X-CSRF-Token with the csrf of GET /api/meta, and its cookie.");
}

Plan post(const Request &request, const Site &site) {
    const std::string &path = request.target.path;
    const bool by_form = path == "/incidents/act";
    if (!by_form && path != "/api/kpi/incidents/act")
        throw HttpError(405, "method_not_allowed", "nothing is written here", "Use GET.");
    if (site.settings.read_only) throw HttpError(403, "read_only", "this kpi_web only reads");
    const ActRequest act = by_form ? act_of_form(request) : act_of_json(request);
    want_csrf(request, site, by_form ? act.csrf : request.csrf);
    return Fetch{follow_question(act.token), by_form ? acted_page : acted_json};
}

Plan ask_to_act(const Request &request, const Site &site) {
    Parameters parameters(request.target.parameters);
    const std::string token = parameters.text("token", "");
    parameters.refuse_others();
    const Proof proof = proof_for(request, site);
    const bool read_only = site.settings.read_only;
    return Fetch{read_question(token), [=, &site](const Reply &reply) {
                     Response out = acting_page(reply, token, read_only ? "" : proof.token);
                     if (proof.is_new)
                         out.headers.emplace_back("Set-Cookie", cookie_header(proof.cookie, site));
                     return out;
                 }};
}

Plan api(const Request &request) {
    const std::string &path = request.target.path;
    Parameters parameters(request.target.parameters);
    if (path == "/api/kpi/events") {
        const std::string last = parameters.text("last_event_id", request.last_event_id);
        parameters.refuse_others();
        return OpenEvents{last};
    }
    if (path == "/api/kpi/export") return export_plan(parameters);
    if (path.starts_with("/api/reports/"))
        return Fetch{report_question(path.substr(13), parameters), report_file};
    if (auto question = api_question(path, parameters)) return Ask{std::move(*question), json_of};
    if (path == "/api/kpi/incidents/act")
        throw HttpError(405, "method_not_allowed", "a signed link is followed by POST");
    throw HttpError(404, "not_found", "there is no such endpoint",
                    "They are described at /openapi.json.");
}

bool is_guarded(const std::string &path) {
    return path.starts_with("/api/") || path == "/metrics" || path == "/openapi.json";
}

}  // namespace

Plan plan(const Request &request, const Site &site) {
    const std::string &path = request.target.path;
    if (request.method == "OPTIONS") {
        Response out;
        out.status = 204;
        out.headers.emplace_back("Allow", "GET, HEAD, POST, OPTIONS");
        return out;
    }
    const bool is_health = path == "/healthz" || path == "/readyz";
    if (is_health || path == "/openapi.json") Parameters(request.target.parameters).refuse_others();
    if (is_health && request.method != "POST")
        return path == "/healthz" ? text_response(200, R"({"status":"alive"})") : ready(site);
    if (is_guarded(path) && !site.guard.admits(request.authorization))
        throw HttpError(401, "unauthorized", "a bearer token is wanted",
                        "Send the header: Authorization: Bearer <token>.");
    if (request.method == "POST") return post(request, site);
    if (path == "/incidents/act") return ask_to_act(request, site);
    if (path == "/openapi.json") return Response{200, site.openapi, false, "private, no-cache", {}};
    if (path == "/metrics") return metrics(request, site);
    if (path == "/api/meta") return meta(request, site);
    if (path.starts_with("/api/")) return api(request);
    return site.pages.get(path);
}

}  // namespace kpi::web
