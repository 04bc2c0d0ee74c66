// What a round of the worker changed, and its announcement: one NOTIFY kpi_update with a small JSON
// payload,
//   {"sources": {"payments": ["2026-11-23", "2026-11-24"], "leads": null},
//    "views": ["public.mv_kpi_daily"], "incidents": 2}
// incidents: how many fire, when what is shown of them has changed;
// days in the source's time zone; null: too many to name. A payload that would not fit names fewer
// days, then no sources.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kpi {

class Announcement {
public:
    // No days: too many to name.
    void add_source(const std::string &source, const std::vector<std::string> &days);
    void add_view(const std::string &view) { views_.insert(view); }
    void set_incidents(int firing) { incidents_ = firing; }
    bool empty() const { return sources_.empty() && views_.empty() && !incidents_; }
    // At most `limit` bytes.
    std::string payload(size_t limit) const;

private:
    using Days = std::optional<std::set<std::string>>;
    std::map<std::string, Days> sources_;
    std::set<std::string> views_;
    std::optional<int> incidents_;
};

}  // namespace kpi
