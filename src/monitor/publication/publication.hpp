// Publications: today's gauges on their way to a Pushgateway. Needs an open Spi; `caller` is who
// asks. Errors: 22023 and 22004 for arguments, 42704 for an unknown sink or metric, 42501.
#pragma once

#include <optional>
#include <string>

#include "core/error.hpp"
#include "core/table.hpp"
#include "monitor/publication/families.hpp"

namespace kpi::monitor {

struct Publication {
    std::string sink;
    GaugeWish wish;
    std::string every;
    ObjectId owner;
};

// Replaces the sink's publication. The gauges are computed once, as the caller, so that what cannot
// work is said at once.
void publish(ObjectId caller, const Publication &publication);
// Tells the gateway to forget the group. False: there is no publication.
bool unpublish(ObjectId caller, const std::string &sink);

// The publication that has been due for longest, which is then due again after its interval;
// committed before it is pushed. One that this database did not publish itself (a restored copy) is
// never due. nullopt: none is.
std::optional<Publication> take_due_publication();
// Reads the numbers and queues them if one has changed, or the last push is a minute old.
void push(const Publication &publication);
void note_failure(const Publication &publication, const Error &error);

}  // namespace kpi::monitor
