#include "worker/leisure.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "engine/rollup/sample.hpp"
#include "pg/process.hpp"
#include "pg/settings.hpp"

namespace kpi::worker {
namespace {

constexpr int64_t kRest = 99;            // times as long as a sample took
constexpr int64_t kMilliseconds = 5000;  // that one sample may take

}  // namespace

bool Leisure::spend(const std::vector<std::string> &sources) {
    const int64_t interval = int64_t(pg::settings().verify_interval) * 1'000'000;
    const int64_t began = pg::ticks();
    if (interval == 0 || sources.empty() || began < std::max(last_at_ + interval, rest_until_))
        return false;
    auto next = std::upper_bound(sources.begin(), sources.end(), last_);
    last_ = next == sources.end() ? sources.front() : *next;
    bool found = false;
    try {
        found = compare(last_);
    } catch (const Error &error) {
        if (steps_.gone()) throw;
        // What hinders a sample hinders repair and merge too, where it is kept and shown; a sample
        // that takes too long is given up.
        pg::log(pg::Level::debug,
                fmt::format("sample of source \"{}\" failed: {}", last_, error.message));
    }
    last_at_ = pg::ticks();
    rest_until_ = last_at_ + kRest * (last_at_ - began);
    return found;
}

bool Leisure::compare(const std::string &source) {
    pg::report_activity("kpi_ext: comparing a sample of " + source);
    engine::DayRange days;
    std::string &begin = begins_.try_emplace(source, "infinity").first->second;
    steps_.run([&] { days = engine::sample_days(source, begin); });
    if (days.from == days.to) return false;
    begin = days.to;
    engine::DayRange differing = days;
    // Twice: a snapshot older than TRUNCATE or the DDL of a partition sees a difference that is
    // none.
    for (int look = 0; look < 2 && differing.from != differing.to; ++look) {
        const Limited limited(steps_, kMilliseconds);
        steps_.run([&] { differing = engine::differing_days(source, differing); });
    }
    steps_.run([&] { engine::note_sample(source, differing); });
    if (differing.from == differing.to) return false;
    pg::log(pg::Level::warning,
            fmt::format("source \"{}\" differed from its facts view on days from {} to before {}",
                        source, differing.from, differing.to),
            "The days are repaired.",
            "Something that the facts view calls or reads was changed without a trace; "
            "kpi.rebuild(source) recomputes the other days too.");
    // Marked first: readers have the facts view from here on, whatever becomes of the rewrite.
    {
        const Limited limited(steps_, kMilliseconds);
        steps_.run([&] { (void)engine::rewrite_sample(source, differing); });
    }
    return true;
}

}  // namespace kpi::worker
