// Why a request in libcurl's hands got no answer, in words that tell what to mend.
#pragma once

#include <string>

#include "net/wire/http.hpp"

namespace kpi::net {

struct Failure {
    Fault fault;
    std::string error;  // without URL; may name the host
};
// `handle`: the easy handle that ended with CURLcode `code`; `said`: the text of its
// CURLOPT_ERRORBUFFER.
Failure failure(void *handle, int code, const std::string &host, const Limits &limits,
                const std::string &said);

}  // namespace kpi::net
