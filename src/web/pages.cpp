#include "web/pages.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/error.hpp"
#include "web/http_error.hpp"

namespace kpi::web {
namespace {

constexpr size_t kLargest = 32 << 20;

const char *type_of(const std::string &extension) {
    static const std::map<std::string, const char *> kTypes = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", kJson},
        {".map", kJson},
        {".webmanifest", "application/manifest+json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".txt", "text/plain; charset=utf-8"},
    };
    const auto found = kTypes.find(extension);
    return found == kTypes.end() ? "application/octet-stream" : found->second;
}

}  // namespace

Pages::Pages(const std::string &folder) {
    namespace fs = std::filesystem;
    if (folder.empty()) return;
    std::error_code problem;
    const auto refuse = [&](const std::string &what) {
        throw Error("58P01", "cannot read the page's folder \"" + folder + "\": " + what, {},
                    "KPIS_WEB_PAGE names the folder that holds index.html.");
    };
    fs::recursive_directory_iterator files(folder, problem);
    if (problem) refuse(problem.message());
    for (const fs::directory_entry &entry : files) {
        if (!entry.is_regular_file()) continue;
        if (entry.file_size() > kLargest) refuse(entry.path().string() + " is larger than 32 MiB");
        std::ifstream file(entry.path(), std::ios::binary);
        std::string content{std::istreambuf_iterator<char>(file), {}};
        const std::string path = "/" + fs::relative(entry.path(), folder).generic_string();
        Response response =
            text_response(200, std::move(content), type_of(entry.path().extension().string()));
        // The build puts a hash of the content into these names.
        const bool has_hash = path.starts_with("/assets/");
        response.cache = has_hash ? "public, max-age=31536000, immutable" : "no-cache";
        files_[path] = response;
        if (path == "/index.html") files_["/"] = response;
    }
    if (!files_.contains("/")) refuse("there is no index.html");
}

Response Pages::get(const std::string &path) const {
    const auto found = files_.find(path);
    if (found != files_.end()) return found->second;
    throw HttpError(
        404, "not_found", "there is nothing at this address",
        path == "/"
            ? "KPIS_WEB_PAGE names the folder of the page; the API is described at /openapi.json."
            : "The API is described at /openapi.json.");
}

}  // namespace kpi::web
