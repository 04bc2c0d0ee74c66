// Rows of a query as a file, written while they are read: what waits is a few parts, however large
// the result. A slow client slows the query down; one that goes ends it.
#pragma once

#include <memory>

#include "web/plan.hpp"

namespace kpi::web {

class Session;

void start_export(const std::shared_ptr<Session> &session, Site &site, Download &&wanted);
// What a HEAD request gets.
Response export_head(const Download &wanted);

}  // namespace kpi::web
