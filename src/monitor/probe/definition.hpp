// Probes as rows of kpi.probe. Needs an open Spi; `caller` is who asks. Errors: 22023 and 22004 for
// arguments, those of the query, 42501, 42704 for an unknown probe, 42710 for a name that is taken.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::monitor {

struct NewProbe {
    std::string name, sql, every, slow, severity;
    std::vector<std::string> sinks;
};

// As nullopt: stays as it is.
struct ProbeChange {
    std::optional<std::string> sql, every, slow, severity;
    std::optional<std::vector<std::string>> sinks;
    std::optional<bool> enabled;
};

struct Probe {
    std::string name, sql, severity;
    double slow = 0;  // milliseconds
    ObjectId owner;
    bool owner_exists = false;
};

void add_probe(ObjectId caller, const NewProbe &probe);
void alter_probe(ObjectId caller, const std::string &name, const ProbeChange &change);
void drop_probe(ObjectId caller, const std::string &name);

// In the order of their names. nullopt: all that are enabled and that the caller may run.
std::vector<Probe> probes_of_caller(ObjectId caller, const std::optional<std::string> &name);
std::optional<Probe> load_probe(const std::string &name);

}  // namespace kpi::monitor
