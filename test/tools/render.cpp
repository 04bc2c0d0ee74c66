// The sample reports of the unit tests as files, for tests that open them with other programs and
// for whoever wants to look at them:  kpi_render FOLDER
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "core/error.hpp"
#include "report/csv.hpp"
#include "report/html.hpp"
#include "report/json.hpp"
#include "report/plain.hpp"
#include "report/xlsx.hpp"
#include "unit/report/samples.hpp"

namespace {

using namespace kpi::report;

void write_all(const std::string &stem, const Document &document) {
    const auto put = [&](const std::string &ending, const std::string &bytes) {
        std::ofstream(stem + ending, std::ios::binary) << bytes;
    };
    put(".html", html(document));
    put(".mail.html", mail_html(document));
    put(".txt", plain(document, Extent::full));
    put(".json", json(document));
    put(".xlsx", xlsx(document, {}));
    if (document.data) put(".csv", csv(*document.data));
}

}  // namespace

int main(int count, char **arguments) try {
    if (count != 2) {
        std::fputs("usage: kpi_render FOLDER\n", stderr);
        return 2;
    }
    const std::string folder = std::string(arguments[1]) + "/";
    for (const Language language : {Language::english, Language::spanish}) {
        const std::string ending = "." + std::string(code(language));
        write_all(folder + "daily" + ending, samples::daily(language));
        write_all(folder + "weekly" + ending, samples::weekly(language));
        write_all(folder + "monthly" + ending, samples::monthly(language));
    }
    write_all(folder + "all_null.en", samples::all_null(Language::english));
    write_all(folder + "one_point.en", samples::one_point(Language::english));
    write_all(folder + "flat.en", samples::flat(Language::english));
    write_all(folder + "negative.en", samples::negative(Language::english));
    write_all(folder + "empty.en", samples::empty(Language::english));
    return 0;
} catch (const kpi::Error &error) {
    fmt::print(stderr, "{}: {} {}\n", error.sqlstate, error.message, error.hint);
    return 1;
}
