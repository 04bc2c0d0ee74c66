// The files of the page, read once when kpi_web starts: what a path names can only be one of them.
// Errors: Error 58P01 when the folder cannot be read.
#pragma once

#include <map>
#include <string>

#include "web/request.hpp"

namespace kpi::web {

class Pages {
public:
    // `folder` empty: there is no page.
    explicit Pages(const std::string &folder);
    // HttpError 404.
    Response get(const std::string &path) const;

private:
    std::map<std::string, Response> files_;
};

}  // namespace kpi::web
