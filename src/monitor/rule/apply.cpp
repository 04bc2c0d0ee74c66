#include "monitor/rule/apply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "monitor/rule/details.hpp"
#include "pg/sql.hpp"

namespace kpi::monitor {
namespace {

using nlohmann::json;

int rank_of(const std::string &severity) {
    if (severity == "critical") return 0;
    return severity == "warning" ? 1 : 2;
}

bool fires(const Life &life) {
    return life.phase == Phase::firing || life.phase == Phase::acknowledged;
}

// What an incident is about: the filters of its rule and its segment together.
std::string scope_of(const Rule &rule, const std::string &segment) {
    json scope = json::parse(rule.filters);
    scope.update(json::parse(segment));
    return scope.dump();
}

std::string scope_of_group(const Rule &rule) {
    return fmt::format("by {} {}", fmt::join(rule.by, ","), rule.filters);
}

struct Candidate {
    const Found *found = nullptr;  // nullptr: the series is gone
    Incident incident;
    Seen seen = Seen::good;
    Life next;
};

class Application {
public:
    Application(const Rule &rule, const Reading &reading, bool inhibited, Leaders &leaders,
                std::int64_t now)
        : rule_(rule),
          reading_(reading),
          inhibited_(inhibited),
          leaders_(leaders),
          now_(now),
          whole_("rule:" + rule.name) {}

    Applied run() {
        gather();
        const int firing = int(std::count_if(candidates_.begin(), candidates_.end(),
                                             [](const Candidate &c) { return fires(c.next); }));
        std::optional<std::int64_t> group;
        const bool segmented = !rule_.by.empty();
        const bool grouped = segmented && (group_ || firing > rule_.group_above);
        if (grouped) group = look_at_group(firing > 0);
        for (Candidate &candidate : candidates_) look_at(candidate, grouped, group);
        return applied_;
    }

private:
    void gather() {
        std::map<std::string, Incident> open;
        for (Incident &incident : open_incidents_of(rule_.name)) {
            const std::string fingerprint = incident.fingerprint;
            if (fingerprint == whole_ && !rule_.by.empty())
                group_ = std::move(incident);
            else
                open.emplace(fingerprint, std::move(incident));
        }
        for (const Found &found : reading_.found) {
            const Seen seen = inhibited_ ? Seen::unclear : found.verdict.seen;
            ++applied_.series;
            if (seen == Seen::bad) ++applied_.bad;
            if (seen == Seen::unclear) ++applied_.unclear;
            if (open.empty() && seen != Seen::bad) continue;
            const std::string fingerprint = fingerprint_of(found.segment);
            const auto known = open.find(fingerprint);
            if (known == open.end() && seen != Seen::bad) continue;
            Candidate candidate{&found, {}, seen, {}};
            if (known != open.end()) {
                candidate.incident = std::move(known->second);
                open.erase(known);
            }
            add(std::move(candidate));
        }
        // Series that are no more.
        for (auto &[fingerprint, incident] : open) {
            Candidate candidate{nullptr, std::move(incident), Seen::good, {}};
            add(std::move(candidate));
        }
    }

    void add(Candidate candidate) {
        candidate.next =
            advance(candidate.incident.life, candidate.seen, rule_.terms, Voice::quiet, now_).life;
        candidates_.push_back(std::move(candidate));
    }

    std::string fingerprint_of(const std::string &segment) const {
        return rule_.by.empty() ? whole_ : whole_ + ":" + segment;
    }

    Observation observation(const std::string &fingerprint, const std::string &segment) const {
        Observation seen;
        seen.fingerprint = fingerprint;
        seen.kind = "rule";
        seen.severity = rule_.severity;
        seen.segment = segment;
        seen.rule = rule_.name;
        seen.assignee = rule_.owner;
        seen.sinks = rule_.sinks;
        seen.later_sinks = rule_.later_sinks;
        seen.role = rule_.role;
        seen.terms = rule_.terms;
        return seen;
    }

    std::optional<std::int64_t> look_at_group(bool bad) {
        std::vector<const Found *> members;
        for (const Candidate &candidate : candidates_)
            if (candidate.found != nullptr && fires(candidate.next))
                members.push_back(candidate.found);
        Observation seen = observation(whole_, "{}");
        seen.labels = labels_of(rule_, "{}");
        seen.seen = bad ? Seen::bad : Seen::good;
        seen.terms.hold = seen.terms.keep_firing = 0;
        Side side = Side::down;
        if (!members.empty()) {
            side = members.front()->verdict.side;
            seen.title = title_of_many(story_of(rule_, reading_, *members.front()),
                                       int(members.size()), applied_.series);
            json details = json::parse(group_details_of(rule_, reading_, members));
            details["scope"] = scope_of_group(rule_);
            seen.details = details.dump();
        }
        Incident incident = group_.value_or(Incident{});
        seen.parent = leaders_.leader_of(rule_, side, scope_of_group(rule_), incident.id);
        incident = look(std::move(incident), std::move(seen), now_);
        leaders_.add(rule_, side, scope_of_group(rule_), incident);
        if (fires(incident.life) && !incident.parent) ++applied_.firing;
        if (incident.id == 0 || !incident.life.open()) return std::nullopt;
        return incident.id;
    }

    std::string with_scope(const Found &found, const std::string &text) const {
        json details = json::parse(text);
        details["scope"] = scope_of(rule_, found.segment);
        return details.dump();
    }

    // `bad`: what was found of a series that is; nullptr otherwise.
    void complete(Observation &seen, const Found *bad) const {
        seen.labels = labels_of(rule_, seen.segment);
        if (bad == nullptr) return;
        seen.title = title_of(story_of(rule_, reading_, *bad));
        seen.details = with_scope(*bad, details_of(rule_, reading_, *bad));
    }

    void look_at(Candidate &candidate, bool grouped, const std::optional<std::int64_t> &group) {
        const std::string segment =
            candidate.found != nullptr ? candidate.found->segment : candidate.incident.segment;
        const Found *bad = candidate.seen == Seen::bad ? candidate.found : nullptr;
        Observation seen = observation(fingerprint_of(segment), segment);
        seen.seen = candidate.seen;
        seen.complete = [this, bad](Observation &mine) { complete(mine, bad); };
        if (bad != nullptr)
            seen.elaborate = [this, bad] {
                return with_scope(*bad, full_details_of(rule_, reading_, *bad));
            };
        if (grouped) {
            seen.parent = group;
            note_next(look(std::move(candidate.incident), std::move(seen), now_));
            return;
        }
        const std::string scope = scope_of(rule_, segment);
        const Side side = bad != nullptr ? bad->verdict.side : side_of(candidate.incident);
        seen.parent = leaders_.leader_of(rule_, side, scope, candidate.incident.id);
        const Incident incident = look(std::move(candidate.incident), std::move(seen), now_);
        note_next(incident);
        leaders_.add(rule_, side, scope, incident);
        if (fires(incident.life) && !incident.parent) ++applied_.firing;
    }

    void note_next(const Incident &incident) {
        if (const std::int64_t next = next_change(incident.life, rule_.terms); next != 0)
            applied_.next_change = std::min(applied_.next_change, next);
    }

    static Side side_of(const Incident &incident) {
        return json::parse(incident.details).value("side", "down") == "up" ? Side::up : Side::down;
    }

    const Rule &rule_;
    const Reading &reading_;
    bool inhibited_;
    Leaders &leaders_;
    std::int64_t now_;
    std::string whole_;
    std::optional<Incident> group_;
    std::vector<Candidate> candidates_;
    Applied applied_;
};

}  // namespace

void Leaders::load() {
    const Table table = pg::query(R"(
        SELECT i.id, i.details ->> 'metric', i.details ->> 'scope', i.details ->> 'side', i.severity
          FROM kpi.incident i
         WHERE i.kind = 'rule' AND i.parent IS NULL AND i.state IN ('firing', 'acknowledged') ORDER BY i.id)",
                                  {}, {.keep = pg::Keep::yes});
    for (const Row &row : table.rows)
        leaders_.push_back({std::stoll(*row[0]), row[1].value_or(""), row[2].value_or("{}"),
                            row[3] == "up" ? Side::up : Side::down, rank_of(*row[4])});
}

std::optional<std::int64_t> Leaders::leader_of(const Rule &rule, Side side,
                                               const std::string &scope, std::int64_t self) const {
    const int rank = rank_of(rule.severity);
    const Leader *best = nullptr;
    for (const Leader &leader : leaders_) {
        if (leader.id == self || leader.metric != rule.metric || leader.side != side) continue;
        const bool broader = leader.scope == "{}" && scope != "{}";
        const bool same =
            leader.scope == scope &&
            (leader.rank < rank || (leader.rank == rank && (self == 0 || leader.id < self)));
        if (!broader && !same) continue;
        if (best == nullptr || leader.rank < best->rank) best = &leader;
    }
    if (best == nullptr) return std::nullopt;
    return best->id;
}

void Leaders::add(const Rule &rule, Side side, const std::string &scope, const Incident &incident) {
    std::erase_if(leaders_, [&](const Leader &leader) { return leader.id == incident.id; });
    if (incident.id == 0 || !fires(incident.life) || incident.parent) return;
    leaders_.push_back({incident.id, rule.metric, scope, side, rank_of(rule.severity)});
}

Applied apply(const Rule &rule, const Reading &reading, bool inhibited, Leaders &leaders,
              std::int64_t now) {
    return Application(rule, reading, inhibited, leaders, now).run();
}

}  // namespace kpi::monitor
