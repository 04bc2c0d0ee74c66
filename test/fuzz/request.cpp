// Any bytes as the target of a request, as a form and as a cookie: refused with an error that names
// a status of 4xx, or understood; then what is asked of the database has its values bound, and what
// is decoded is UTF-8 without control characters. Run by `make fuzz`.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/utf8.hpp"
#include "web/guard.hpp"
#include "web/http_error.hpp"
#include "web/questions.hpp"
#include "web/target.hpp"

namespace {

void judge(const kpi::web::HttpError &error) {
    if (error.status < 400 || error.status > 499 || error.message.empty() || error.body().empty())
        std::abort();
}

void judge(const std::string &text) {
    if (!kpi::is_utf8(text)) std::abort();
    for (const char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
}

void ask(std::string_view text) {
    try {
        const kpi::web::Target target = kpi::web::parse_target(text);
        judge(target.path);
        for (const auto &[name, value] : target.parameters) {
            judge(name);
            judge(value);
        }
        kpi::web::Parameters parameters(target.parameters);
        const auto question = kpi::web::api_question(target.path, parameters);
        if (question && question->key().size() < question->sql.size()) std::abort();
    } catch (const kpi::web::HttpError &error) {
        judge(error);
    }
}

// Every endpoint sees the parameters, whatever the fuzzer thinks of paths.
void ask_all(std::string_view query) {
    for (const char *path : {"summary", "timeseries", "segments", "query", "anomalies", "explain",
                             "forecast", "incidents", "recent"})
        ask("/api/kpi/" + std::string(path) + "?" + std::string(query));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    ask(text);
    ask_all(text);
    try {
        for (const auto &[name, value] : kpi::web::parse_form(text)) judge(value);
    } catch (const kpi::web::HttpError &error) {
        judge(error);
    }
    (void)kpi::web::cookie_of(text, "kpis_csrf");
    return 0;
}
