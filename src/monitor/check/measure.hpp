// Asking a check's question: as its owner, read-only, within kpi.check_timeout, in a subtransaction
// that is rolled back whatever came of it. Needs an open Spi and the rights of the extension's
// owner.
#pragma once

#include <cstdint>
#include <string>

#include "monitor/check/question.hpp"

namespace kpi::monitor {

struct Outcome {
    Finding finding;
    const char *read = nullptr;
    std::string sample;    // a JSON array; empty: none
    std::string sqlstate;  // of an error
    int64_t microseconds = 0;
};

// An error of the check's is its outcome; a cancel of the caller's is thrown.
Outcome measure(const Check &check);
// Of a check that could not be asked.
Outcome failed_outcome(std::string message, std::string sqlstate);

}  // namespace kpi::monitor
