// Running what users wrote: in a subtransaction that is rolled back whatever came of it, within
// kpi.check_timeout. Needs an open Spi.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace kpi::pg {

struct Mishap {
    std::string message, sqlstate;
    bool over = false;  // it took too long
};

// `body` enters the scope of its owner by itself. nullopt: it went well. An error of its own is
// returned; a cancel of the caller's is thrown.
std::optional<Mishap> run_safely(const std::function<void()> &body);

}  // namespace kpi::pg
