// What a caller may ask of a detector, by name: the options of the SQL functions as text.
//
// Purpose: one place where names become Options, so that every door accepts the same ones.
// Errors:  22023 for an unknown name or a value out of range.
#pragma once

#include <cstdint>
#include <string_view>

#include "detect/detector.hpp"
#include "detect/types.hpp"

namespace kpi::detect {

// What a period that holds the present moment is taken for.
enum class Present : std::uint8_t { skip, compare, complete };

struct Request {
    Method method = Method::robust;
    Options options;
    bool grain_given = false;  // false: the first periods tell
    Effect effect = Effect::widen;
    Present present = Present::skip;
};

// name: kind, grain, method, direction, partial, effect; value as in the documentation.
void set_option(Request &request, std::string_view name, std::string_view value);
// name: threshold, min_history
void set_option(Request &request, std::string_view name, double value);
Effect effect_by_name(std::string_view name);

// The identity of a calendar entry: a hash of its name, never 0 (FNV-1a, 32 bits).
std::uint32_t event_id(std::string_view name);

// The grain of a series whose neighbouring periods are this many seconds apart at least.
Frequency grain_of_step(double seconds);

}  // namespace kpi::detect
