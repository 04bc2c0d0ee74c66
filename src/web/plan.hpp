// What is to be done for a request. Nothing is done here and nobody is asked: a plan is a value.
// Errors: HttpError, which is the answer.
#pragma once

#include <functional>
#include <string>
#include <variant>

#include "web/answers.hpp"
#include "web/question.hpp"
#include "web/request.hpp"

namespace kpi::web {

struct Site;

// An answer that may be kept and shared. `shape` may throw HttpError.
struct Ask {
    Question question;
    std::function<Response(const Answer &)> shape;
};
// A row that is for this client alone.
struct Fetch {
    Question question;
    std::function<Response(const Reply &)> shape;
};
struct Download {
    Question question;
    std::string format, name;
};
struct OpenEvents {
    std::string last_id;
};

using Plan = std::variant<Response, Ask, Fetch, Download, OpenEvents>;

Plan plan(const Request &request, const Site &site);

}  // namespace kpi::web
