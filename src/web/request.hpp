// A request as far as its answer depends on it, and the answer before it is written.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "web/body.hpp"
#include "web/target.hpp"

namespace kpi::web {

struct Request {
    std::string method;
    Target target;
    // Headers; empty: absent.
    std::string authorization, cookie, csrf, last_event_id, content_type, if_none_match, origin;
    bool accepts_gzip = false;
    std::string body;
};

struct Response {
    unsigned status = 200;
    BodyPtr body;  // null: none
    // Body has only its type: what follows the head has no length and no ETag that are known.
    bool is_open_ended = false;
    std::string cache = "private, no-cache";
    std::vector<std::pair<std::string, std::string>> headers;
};

Response text_response(unsigned status, std::string text, std::string type = kJson);

}  // namespace kpi::web
