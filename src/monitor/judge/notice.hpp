// What is written about an incident: text for people, in English or Spanish, one line first that
// says everything that matters.
//
//   🔴 CRITICAL revenue MX 18 % below expected (prod · #K-142 · since 09:15, 45 min)
//   9.8K so far, expected 12.0K at this time (11.1K to 13.0K) · ▆▇▆▇▆▃▂
//   Owner @ana · Runbook: ...
//   Acknowledge: https://...
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kpi::monitor {

enum class Language : std::uint8_t { english, spanish };
// What of an incident a message is about. The first six as Word (life.hpp).
enum class Tiding : std::uint8_t {
    none,
    opened,
    unmuted,
    repeated,
    escalated,
    resolved,
    acknowledged,
    snoozed,
};

// Where a reader of the message can act.
struct Link {
    int hours = 0;  // of silence; 0: acknowledge
    std::string url;
};

struct Notice {
    Tiding tiding = Tiding::opened;
    Language language = Language::english;
    std::int64_t id = 0;
    std::string severity, title, environment;
    std::string since;        // when it fired, as text
    std::int64_t lasted = 0;  // microseconds from then to now, or to its end
    std::vector<std::string> lines;
    std::string assignee, runbook, acknowledged_by;
    std::string snoozed_until;  // as text; empty: it is not
    std::vector<Link> links;
};

// One line, for subjects and notifications.
std::string headline(const Notice &notice);
// "Acknowledge", "Snooze 4 h"
std::string link_label(Language language, const Link &link);
// Headline, lines, and what to do.
std::string plain_text(const Notice &notice);

// "45 min", "1 h 25 min", "2 d 3 h"
std::string duration(std::int64_t microseconds);
// "9.8K", "12.3M", "0.82": three significant digits. Never "inf" or "nan": "n/a".
std::string short_number(double value);
// One character a value, low to high; empty values are blanks. Values that are all alike are low.
std::string sparkline(std::span<const double> values);
std::string_view tiding_name(Tiding tiding);

}  // namespace kpi::monitor
