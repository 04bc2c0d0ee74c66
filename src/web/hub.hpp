// The events: what the database announces becomes one event with the cards in it, asked for once
// and sent to every branch. Events are numbered; the last ones are kept for clients that come back.
//
//   up, quiet -> announcement -> asking -> event sent -> quiet; announced meanwhile -> asking again
//   up -> lost: event "database" -> back: everything is read anew, "snapshot" to all
// Used on the database thread only.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "web/answers.hpp"
#include "web/branch.hpp"

namespace kpi::web {

class Hub {
public:
    Hub(Answers &answers, Stats &stats, Question summary);

    void add(Branch &branch) { branches_.push_back(&branch); }
    // A payload of NOTIFY kpi_update; what is not understood means: anything.
    void announced(const std::string &payload);
    void lost();
    void back();
    // `last_id`: of the event that the client saw last; empty: none.
    void subscribe(Branch &branch, const StreamPtr &stream, const std::string &last_id);

private:
    struct Pending {
        std::optional<std::map<std::string, std::optional<std::set<std::string>>>> sources;
        std::optional<std::set<std::string>> views;
        std::optional<int> incidents;
    };
    struct Kept {
        uint64_t number;
        Bytes bytes;
    };

    void merge(const std::string &payload);
    void ask();
    std::string update_json(const Pending &pending) const;
    std::string snapshot_json(const char *why) const;
    Bytes frame(const char *event, const std::string &json);
    void publish(const char *event, const std::string &json);
    void greet(Branch &branch, const StreamPtr &stream, const char *why);
    std::optional<uint64_t> number_of(const std::string &id) const;

    Answers &answers_;
    Stats &stats_;
    Question summary_question_;
    std::vector<Branch *> branches_;
    std::string run_;
    uint64_t number_ = 0;
    std::deque<Kept> kept_;
    std::optional<Pending> pending_;
    bool asking_ = false, reconnected_ = false, up_ = false, greeted_ = false;
    std::string summary_ = "null";
    // Who came before the first summary was there.
    std::vector<std::pair<Branch *, StreamPtr>> early_;
};

}  // namespace kpi::web
