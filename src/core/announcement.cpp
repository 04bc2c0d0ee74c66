#include "core/announcement.hpp"

#include <nlohmann/json.hpp>

namespace kpi {

void Announcement::add_source(const std::string &source, const std::vector<std::string> &days) {
    const auto [entry, added] = sources_.try_emplace(source, Days(std::in_place));
    if (days.empty()) entry->second.reset();
    if (entry->second) entry->second->insert(days.begin(), days.end());
}

std::string Announcement::payload(size_t limit) const {
    enum class Detail { days, names, nothing };
    const auto write = [this](Detail detail) {
        nlohmann::json out;
        nlohmann::json &sources = out["sources"] = nlohmann::json::object();
        nlohmann::json &views = out["views"] = nlohmann::json::array();
        if (detail == Detail::nothing) {
            sources = views = nullptr;
        } else {
            for (const auto &[source, days] : sources_)
                sources[source] =
                    days && detail == Detail::days ? nlohmann::json(*days) : nlohmann::json();
            views = views_;
        }
        if (incidents_) out["incidents"] = *incidents_;
        // Names come from the database's encoding, which need not be UTF-8.
        return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    };
    for (const Detail detail : {Detail::days, Detail::names}) {
        std::string text = write(detail);
        if (text.size() <= limit) return text;
    }
    return write(Detail::nothing);
}

}  // namespace kpi
