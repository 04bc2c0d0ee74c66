// The outlooks of all segments of a rule as bytes of one row: kept by table, so that a restart
// costs nothing. Bytes of another version are no memory: it is made anew.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "monitor/judge/outlook.hpp"

namespace kpi::monitor {

struct Memory {
    std::int64_t bucket = 0;             // start of the open bucket it is about
    std::int64_t then = 0, next = 0;     // the two moments of its shares; usable in [then, next)
    std::uint64_t signature = 0;         // of threshold and formula: others have others
    int known = 0;                       // closed buckets since the whole had data
    bool paced = true, is_rate = false;  // of the metric
    double unit = 1;
    std::vector<std::string> segments;  // JSON objects
    std::vector<Outlook> outlooks;

    bool usable(std::uint64_t wanted, std::int64_t start, std::int64_t now) const {
        return signature == wanted && bucket == start && then <= now && now < next;
    }
    double within(std::int64_t now) const {
        return next > then ? double(now - then) / double(next - then) : 0;
    }
};

std::string pack(const Memory &memory);
std::optional<Memory> unpack(std::string_view bytes);

}  // namespace kpi::monitor
