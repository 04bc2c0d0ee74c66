#include "web/hub.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "web/guard.hpp"

namespace kpi::web {
namespace {

using nlohmann::json;
constexpr size_t kKept = 256;

std::string now_text() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(static_cast<std::time_t>(milliseconds / 1000)),
                       milliseconds % 1000);
}

}  // namespace

Hub::Hub(Answers &answers, Stats &stats, Question summary)
    : answers_(answers),
      stats_(stats),
      summary_question_(std::move(summary)),
      run_(Guard::new_cookie().substr(0, 12)) {}

void Hub::announced(const std::string &payload) {
    answers_.changed();
    merge(payload);
    if (!asking_) ask();
}

void Hub::merge(const std::string &payload) {
    const bool first = !pending_;
    if (first) {
        pending_.emplace();
        pending_->sources.emplace();
        pending_->views.emplace();
    }
    const json given = json::parse(payload, nullptr, false);
    const bool known =
        given.is_object() && given.contains("sources") && given["sources"].is_object();
    if (!known) {
        pending_->sources.reset();
        pending_->views.reset();
    }
    if (known && pending_->sources)
        for (const auto &[source, days] : given["sources"].items()) {
            auto &seen =
                pending_->sources->try_emplace(source, std::set<std::string>()).first->second;
            if (!days.is_array()) seen.reset();
            if (!seen) continue;
            for (const json &day : days)
                if (day.is_string()) seen->insert(day.get<std::string>());
        }
    if (known && pending_->views && given.contains("views") && given["views"].is_array())
        for (const json &view : given["views"])
            if (view.is_string()) pending_->views->insert(view.get<std::string>());
    if (given.is_object() && given.contains("incidents") && given["incidents"].is_number_integer())
        pending_->incidents = given["incidents"].get<int>();
}

std::string Hub::update_json(const Pending &pending) const {
    json out = {{"at", now_text()}, {"sources", nullptr}, {"views", nullptr}};
    if (pending.sources) {
        out["sources"] = json::object();
        for (const auto &[source, days] : *pending.sources)
            out["sources"][source] = days ? json(*days) : json();
    }
    if (pending.views) out["views"] = *pending.views;
    if (pending.incidents) out["incidents"] = *pending.incidents;
    std::string text = out.dump(-1, ' ', false, json::error_handler_t::replace);
    text.pop_back();
    return text + ",\"summary\":" + summary_ + "}";
}

std::string Hub::snapshot_json(const char *why) const {
    return fmt::format(R"({{"reason":"{}","database":"{}","summary":{}}})", why,
                       up_ ? "up" : "down", summary_);
}

void Hub::ask() {
    asking_ = true;
    answers_.get(summary_question_, [this, asked = std::exchange(pending_, std::nullopt)](
                                        const Answer &answer) mutable {
        asking_ = false;
        if (const auto *body = std::get_if<BodyPtr>(&answer)) summary_ = (*body)->text();
        // PostgreSQL writes some JSON over several lines; an event's data is one.
        std::replace(summary_.begin(), summary_.end(), '\n', ' ');
        if (asked) {
            if (!pending_) stats_.updates.fetch_add(1, std::memory_order_relaxed);
            publish("update", update_json(*asked));
        }
        if (std::exchange(reconnected_, false)) publish("snapshot", snapshot_json("reconnected"));
        for (const auto &[branch, stream] : std::exchange(early_, {}))
            greet(*branch, stream, "first");
        if (pending_) ask();
    });
}

// An id goes with each event; what was said before a client came is not repeated to it.
Bytes Hub::frame(const char *event, const std::string &json_text) {
    return std::make_shared<const std::string>(
        fmt::format("id: {}-{}\nevent: {}\ndata: {}\n\n", run_, number_, event, json_text));
}

void Hub::publish(const char *event, const std::string &json_text) {
    ++number_;
    const Bytes bytes = frame(event, json_text);
    kept_.push_back({number_, bytes});
    if (kept_.size() > kKept) kept_.pop_front();
    for (Branch *branch : branches_)
        asio::post(branch->context(), [branch, bytes] { branch->send(bytes); });
}

void Hub::lost() {
    if (!std::exchange(up_, false)) return;
    stats_.database_up = false;
    publish("database", fmt::format(R"({{"database":"down","at":"{}"}})", now_text()));
}

void Hub::back() {
    // Who came before there was anything to show must hear of it.
    const bool first = number_ == 0 && !greeted_;
    up_ = true;
    stats_.database_up = true;
    answers_.changed();
    if (!first) {
        publish("database", fmt::format(R"({{"database":"up","at":"{}"}})", now_text()));
        reconnected_ = true;
    }
    if (!asking_) ask();
}

std::optional<uint64_t> Hub::number_of(const std::string &id) const {
    if (!id.starts_with(run_ + "-")) return std::nullopt;
    uint64_t number = 0;
    const char *end = id.data() + id.size();
    const auto [stop, problem] = std::from_chars(id.data() + run_.size() + 1, end, number);
    if (problem != std::errc() || stop != end || number > number_) return std::nullopt;
    // Nothing may be missing between it and the oldest that is kept.
    if (number != number_ && (kept_.empty() || kept_.front().number > number + 1))
        return std::nullopt;
    return number;
}

void Hub::greet(Branch &branch, const StreamPtr &stream, const char *why) {
    greeted_ = true;
    const Bytes bytes = frame("snapshot", snapshot_json(why));
    asio::post(branch.context(), [&branch, stream, bytes] {
        stream->send(bytes);
        branch.join(stream);
    });
}

void Hub::subscribe(Branch &branch, const StreamPtr &stream, const std::string &last_id) {
    if (const auto number = number_of(last_id)) {
        std::vector<Bytes> missed;
        for (const Kept &kept : kept_)
            if (kept.number > *number) missed.push_back(kept.bytes);
        return asio::post(branch.context(), [&branch, stream, missed] {
            for (const Bytes &bytes : missed) stream->send(bytes);
            branch.join(stream);
        });
    }
    // The first cards are on their way: whoever comes now waits for them, as for an answer.
    if (summary_ == "null" && asking_) return early_.emplace_back(&branch, stream), void();
    greet(branch, stream, last_id.empty() ? "first" : "gap");
}

}  // namespace kpi::web
