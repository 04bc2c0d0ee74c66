// Following a signed link: a page that asks first (mail scanners open links, only people press
// buttons), and the answer, as a page or as JSON. The token is the authority; the database checks
// it.
#pragma once

#include <string>

#include "web/link.hpp"
#include "web/question.hpp"
#include "web/request.hpp"

namespace kpi::web {

struct ActRequest {
    std::string token, csrf;
};

// Errors: HttpError 400, 415.
ActRequest act_of_form(const Request &request);
ActRequest act_of_json(const Request &request);
Question read_question(const std::string &token);
Question follow_question(const std::string &token);
// `csrf` empty: this kpi_web only reads, the page has no button.
Response acting_page(const Reply &reply, const std::string &token, const std::string &csrf);
Response acted_page(const Reply &reply);
Response acted_json(const Reply &reply);

}  // namespace kpi::web
