// The target of a request, /path?name=value&..., decoded: percent signs, plus signs in the query.
// What is not UTF-8, or holds control characters (%00 too), is refused: it would reach PostgreSQL.
// Errors: HttpError 400.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kpi::web {

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

struct Target {
    std::string path;
    NamedTexts parameters;  // in the order given, names may come more than once
};

Target parse_target(std::string_view target);
// A query, or the body of a form: the same syntax.
NamedTexts parse_form(std::string_view text);

}  // namespace kpi::web
