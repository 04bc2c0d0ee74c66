// Adds the sinks that the server's environment describes (net/environment.hpp). Needs an open Spi.
#pragma once

#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::delivery {

struct FromEnvironment {
    std::string sink, kind;
    std::string state;   // added, changed, unchanged, skipped
    std::string reason;  // why it was skipped; empty otherwise
};
// Each by itself: one that cannot be used is skipped. Sinks that were added by hand are left alone.
// Errors: 42501 without the right to read the environment.
std::vector<FromEnvironment> sinks_from_environment(ObjectId caller);

}  // namespace kpi::delivery
