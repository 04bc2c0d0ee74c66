// Which sources a database object reaches, through whatever lies between: a function behind an
// operator, in the check of a domain, called by another function, in a view below. As far as
// PostgreSQL records what depends on what: the body of a function that is a string stays closed.
#pragma once

#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::engine {

struct Dependent {
    std::string source;
    ObjectId facts;
};

// `catalog`: name of the system catalog that holds the object. Needs an open Spi.
std::vector<Dependent> sources_over(const std::string &catalog, ObjectId object);

}  // namespace kpi::engine
