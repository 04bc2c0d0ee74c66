// What all sessions share. Made before the first thread, ended after the last.
#pragma once

#include "web/answers.hpp"
#include "web/guard.hpp"
#include "web/hub.hpp"
#include "web/pages.hpp"
#include "web/pool.hpp"
#include "web/settings.hpp"
#include "web/stats.hpp"

namespace kpi::web {

struct Site {
    const Settings &settings;
    Guard guard;
    Pages pages;
    BodyPtr openapi;
    Stats stats;
    // The database thread, and what lives on it.
    asio::io_context database{1};
    Pool pool;
    Answers answers;
    Hub hub;

    explicit Site(const Settings &given);
};

}  // namespace kpi::web
