// Reports on their way: files first, then messages about them (table kpi.announcement). Needs an
// open Spi, as the extension's owner.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::reporting {

struct Announcement {
    int64_t id = 0;
    int64_t report = 0;  // that mails carry
    std::string kind, language, subject, text, html;
    ObjectId owner;
    std::vector<int64_t> uploads;    // messages of the outbox
    std::vector<std::string> sinks;  // who is told afterwards
};
// Its id. Nothing is told yet.
int64_t announce(const Announcement &announcement);

// Tells people of a report whose files have arrived, or waited for ten minutes, or ends one whose
// messages are all settled. False: there is nothing of that kind to do.
bool settle_next_announcement();
// Deletes those that ended long ago.
bool forget_old_announcements();

}  // namespace kpi::reporting
