// The head of an answer: status line and headers, those of security among them.
#pragma once

#include <string>

#include "web/request.hpp"

namespace kpi::web {

// How the body follows.
struct Framing {
    // unsaid: of HEAD, where the length is not known.
    enum class Kind { length, chunked, until_close, unsaid } kind = Kind::length;
    size_t length = 0;
    bool is_gzip = false;
    bool keep_alive = true;
};

// `allowed_origin`: of CORS, empty: none.
std::string head_of(const Response &response, const Framing &framing,
                    const std::string &allowed_origin = {});
// Whether an Accept-Encoding header takes gzip.
bool accepts_gzip(std::string_view header);
// Whether an If-None-Match header names the ETag.
bool names_etag(std::string_view header, std::string_view etag);

}  // namespace kpi::web
