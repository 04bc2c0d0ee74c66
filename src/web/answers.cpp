#include "web/answers.hpp"

#include "web/log.hpp"

namespace kpi::web {
namespace {

constexpr Milliseconds kKept{5000};
constexpr size_t kEntries = 1000, kBytes = 64 << 20;

}  // namespace

HttpError refusal(const DatabaseError &error) {
    const std::string &state = error.sqlstate;
    if (error.is_lost())
        return {503, "database_away", "the database cannot be reached",
                "Try again in some seconds."};
    if (state == "57014")
        return {504, state, "the database took too long",
                "Ask for a shorter period or fewer segments."};
    // More than a read may hold in memory: asked again it would be as much.
    if (state == "53400") return {400, state, error.message, error.hint};
    if (state.starts_with("53") || state == "55P03" || state.starts_with("40"))
        return {503, state, "the database is busy: " + error.message, "Try again in some seconds."};
    // Names in our statements, not of the client's: values are bound.
    if (state == "42883" || state == "42P01" || state == "42703")
        return {501, "not_there", "the kpi_ext of this database does not know this",
                "A newer one does: ALTER EXTENSION kpi_ext UPDATE."};
    if (state == "42501" || state == "25006") return {403, state, error.message, error.hint};
    // 0A: what has no meaning for a metric; 22: values; 42: names; 54: more than there may be; P0:
    // what a function of ours refuses.
    if (state.starts_with("0A") || state.starts_with("22") || state.starts_with("42") ||
        state.starts_with("54") || state.starts_with("P0"))
        return {400, state, error.message, error.hint};
    log("error " + state + " of the database: " + error.message);
    return {500, state, "the database could not answer"};
}

void Answers::get(const Question &question, Done done) {
    const std::string key = question.key();
    Entry &entry = entries_[key];
    if (entry.asked == generation_ && (!entry.body || Clock::now() < entry.until)) {
        stats_.kept.fetch_add(1, std::memory_order_relaxed);
        if (entry.body) return done(entry.body);
        entry.waiting.emplace_back(generation_, std::move(done));
        return;
    }
    if (entry.asked == 0) entry.place = by_age_.insert(by_age_.end(), key);
    if (entry.body) bytes_ -= entry.body->text().size();
    entry.asked = generation_;
    entry.body = nullptr;
    entry.waiting.emplace_back(generation_, std::move(done));
    pool_.ask(question, [this, key, asked = generation_](Reply reply) {
        answered(key, asked, std::move(reply));
    });
}

void Answers::answered(const std::string &key, uint64_t asked, Reply reply) {
    // An answer that a later one overtook may find its entry gone: nobody waits for it any more.
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    Entry &entry = found->second;
    Answer answer = HttpError(404, "not_found", "there is no such thing");
    if (reply.error) {
        answer = refusal(*reply.error);
    } else if (!reply.row.empty() && reply.row[0]) {
        answer = BodyPtr(std::make_shared<const Body>(std::move(*reply.row[0]), kJson));
    }
    std::vector<Done> served;
    std::erase_if(entry.waiting, [&](auto &waits) {
        if (waits.first > asked) return false;
        served.push_back(std::move(waits.second));
        return true;
    });
    if (asked == entry.asked) {
        by_age_.erase(entry.place);
        if (const auto *body = std::get_if<BodyPtr>(&answer)) {
            entry.body = *body;
            entry.until = Clock::now() + kKept;
            entry.place = by_age_.insert(by_age_.end(), key);
            bytes_ += entry.body->text().size();
            make_room();
        } else {
            entries_.erase(found);
        }
    }
    for (const Done &done : served) done(answer);
}

void Answers::make_room() {
    while (!by_age_.empty() && (by_age_.size() > kEntries || bytes_ > kBytes)) {
        const auto oldest = entries_.find(by_age_.front());
        if (!oldest->second.body) return;  // being asked
        bytes_ -= oldest->second.body->text().size();
        entries_.erase(oldest);
        by_age_.pop_front();
    }
}

}  // namespace kpi::web
