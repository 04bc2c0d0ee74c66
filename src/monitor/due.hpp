// What checks and probes share as things that are run again and again: which is due, who runs it,
// how long its history stays, and an incident of one's own. `kind`: check or probe, whose tables
// are kpi.<kind> (name, every, enabled, sinks) and kpi.<kind>_state (name, due_at, begun_at,
// begun_by). Needs an open Spi and the rights of the extension's owner.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>

#include "core/table.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {

struct Taken {
    std::string name;
    bool died = false;  // the process that ran it last did not live to say what came of it
};
// Takes the one that has been due for longest, so that nobody else does; committed before it is
// run. `among`: SQL, a further condition on x, a row of kpi.<kind>. nullopt: none is due.
std::optional<Taken> take_due(const std::string &kind, const std::string &among = "true");

// Deletes rows of `table` (column at) past kpi.check_retention; true: there are more.
bool forget_older(const std::string &table);

// An incident about one of them; its sinks are told. A role that is gone is stood in for by the
// extension's owner.
struct Sighting {
    std::string kind, name;  // check, "fresh"
    std::string fingerprint, title, severity;
    std::string incident;  // kind of the incident: data, probe
    ObjectId owner;
    std::optional<bool> failing;  // nullopt: not known, what is open stays open
    std::string line;
};
void see(const Sighting &sighting);
// What kpi.language says: titles and lines of incidents are read by people.
bool is_spanish();
const char *in_language(const char *english, const char *spanish);
// The same with values in it, as fmt::format; the compiler proves both languages.
template <typename... Args>
std::string say(fmt::format_string<const Args &...> english,
                fmt::format_string<const Args &...> spanish, const Args &...args) {
    return fmt::vformat(is_spanish() ? spanish : english, fmt::make_format_args(args...));
}

}  // namespace kpi::monitor
