// Answers to questions, each kept until the database says that something changed, or for seconds
// (clocks go on without a change). Asked by many at once it is asked of the database once. Used on
// the database thread only.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "web/body.hpp"
#include "web/http_error.hpp"
#include "web/pool.hpp"

namespace kpi::web {

using Answer = std::variant<BodyPtr, HttpError>;

// What a client is told of an error of the database.
HttpError refusal(const DatabaseError &error);

class Answers {
public:
    using Done = std::function<void(Answer)>;

    Answers(Pool &pool, Stats &stats) : pool_(pool), stats_(stats) {}

    // The first column of the question's first row, as JSON; no row or NULL is 404.
    void get(const Question &question, Done done);
    // What is kept is old from now on.
    void changed() { ++generation_; }

private:
    struct Entry {
        uint64_t asked = 0;  // generation of the newest question
        Clock::time_point until;
        BodyPtr body;  // null: being asked
        // With the generation of each: an answer serves those who came before it was asked.
        std::vector<std::pair<uint64_t, Done>> waiting;
        std::list<std::string>::iterator place;
    };

    void answered(const std::string &key, uint64_t asked_at, Reply reply);
    void make_room();

    Pool &pool_;
    Stats &stats_;
    uint64_t generation_ = 1;
    std::unordered_map<std::string, Entry> entries_;
    std::list<std::string> by_age_;  // oldest first
    size_t bytes_ = 0;
};

}  // namespace kpi::web
