#include "worker/rounds.hpp"

#include <fmt/format.h>

#include "engine/rollup/upkeep.hpp"
#include "engine/source/facts_change.hpp"
#include "pg/doorbell.hpp"
#include "pg/process.hpp"
#include "pg/settings.hpp"
#include "pg/waiter.hpp"
#include "worker/backoff.hpp"

namespace kpi::worker {
namespace {

constexpr int kBatches = 4;  // merges of one source in a row while others wait
constexpr int64_t kExpireEvery = 3600'000'000;
constexpr int64_t kFoldEvery = 5'000'000;
constexpr int64_t kKeepEvery = 10'000'000;
constexpr int64_t kKeepAgainAfter = 60'000'000;  // while past days change
constexpr size_t kPayloadBytes = 7900;           // NOTIFY takes less than 8000

engine::Progress merge_batch(const std::string &source) { return engine::merge(source); }

// A number for a source's name, never 0 (FNV-1a).
uint32_t task_of(const std::string &source) {
    uint32_t hash = 2166136261U;
    for (const char c : source) hash = (hash ^ uint8_t(c)) * 16777619U;
    return hash == 0 ? 1 : hash;
}

// While work on one source lasts: what a successor of this process must know.
class Task {
public:
    explicit Task(const std::string &source) { pg::begin_task(task_of(source)); }
    ~Task() { pg::end_task(); }
    Task(const Task &) = delete;
    Task &operator=(const Task &) = delete;
};

}  // namespace

Rounds::Rounds(Steps &steps)
    : steps_(steps),
      refresher_(steps),
      leisure_(steps),
      watch_(steps),
      suspect_(pg::take_suspect()) {}

Rest Rounds::run(Demand demand) {
    rest_ = Rest::drained;
    follow_owners();
    const std::vector<Source> sources = due_sources(demand);
    for (const Source &source : sources) {
        const int64_t began = pg::ticks();
        if (began < health_[source.name].patience.not_before) {
            leave(Rest::blocked);
            continue;
        }
        try {
            const Task task(source.name);
            const Limited limited(
                steps_, health_[source.name].patience.allowance(pg::settings().source_timeout));
            work_on(source);
            succeeded(source.name);
        } catch (const Error &error) {
            if (steps_.gone()) throw;
            failed(source.name, error, pg::ticks() - began);
        }
    }
    if (pg::ticks() - folded_at_ >= kFoldEvery) fold_errors();
    if (!changes_.empty()) watch_.numbers_changed();
    if (demand == Demand::everything || pg::ticks() >= watch_.due()) watch_.look();
    if (const auto firing = watch_.news()) changes_.set_incidents(*firing);
    refresher_.refresh_due(changes_);
    if (!changes_.empty()) {
        const std::string payload = changes_.payload(kPayloadBytes);
        steps_.run([&] { pg::notify_update(payload); });
        changes_ = {};
    }
    if (demand == Demand::timed && rest_ == Rest::drained) spend_leisure(sources);
    pg::report_activity({});
    return rest_;
}

std::vector<Rounds::Source> Rounds::due_sources(Demand demand) {
    Table table;
    steps_.run([&] {
        table = pg::query(R"(
            SELECT s.name, EXISTS (SELECT FROM kpi.dirty d WHERE d.source = s.name),
                   s.capture = 'window' AND ($2 OR st.computed_at IS NULL
                       OR st.computed_at + pg_catalog.make_interval(secs => $3) <= pg_catalog.clock_timestamp()),
                   s.capture = 'trigger'
              FROM kpi.source s LEFT JOIN kpi.source_state st ON st.source = s.name
             WHERE s.name = ANY ($1)
             ORDER BY st.merged_at NULLS FIRST, s.name)",
                          {engine::workable_sources(), demand == Demand::everything,
                           double(pg::settings().window_interval)});
    });
    std::vector<Source> sources;
    std::map<std::string, Health> kept;
    for (const Row &row : table.rows) {
        sources.push_back({*row[0], row[1] == "t", row[2] == "t", row[3] == "t"});
        Health &health = kept[*row[0]] = health_[*row[0]];
        if (suspect_.task == task_of(*row[0])) {
            // Once may be chance: a worker is ended by an administrator, too.
            Patience &patience = health.patience;
            patience.failures = suspect_.deaths == 1 ? 1 : int(std::min(suspect_.deaths, 16U)) + 4;
            patience.not_before = pg::ticks() + backoff(patience.failures);
            const uint32_t deaths = suspect_.deaths;
            suspect_ = {};
            pg::log(
                pg::Level::warning,
                deaths == 1
                    ? fmt::format("the last kpi_ext worker ended during work on source \"{}\"",
                                  *row[0])
                    : fmt::format("the last {} kpi_ext workers ended during work on source \"{}\"",
                                  deaths, *row[0]),
                {}, "The source is set aside for a while; the others go on.");
        }
    }
    health_ = std::move(kept);  // untracked sources are forgotten
    // Those in good health first: the others may take their time.
    std::stable_partition(sources.begin(), sources.end(), [this](const Source &source) {
        return health_[source.name].patience.failures == 0;
    });
    return sources;
}

engine::Progress Rounds::step(const std::string &source,
                              engine::Progress (*work)(const std::string &)) {
    engine::Progress done;
    steps_.run([&] { done = work(source); });
    if (done.rows > 0) changes_.add_source(source, done.days);
    if (engine::touches_past(done)) health_[source].keep_due = pg::ticks() + kKeepAgainAfter;
    if (done.busy) leave(Rest::blocked);
    return done;
}

void Rounds::work_on(const Source &source) {
    pg::report_activity("kpi_ext: merging " + source.name);
    if (source.window_due) (void)step(source.name, engine::recompute_window);
    bool more = true;
    for (int batch = 0; more && batch < kBatches; ++batch)
        more = step(source.name, merge_batch).more;
    if (more) leave(Rest::unfinished);
    if (source.dirty) {
        pg::report_activity("kpi_ext: repairing " + source.name);
        const engine::Progress done = step(source.name, engine::repair);
        // What a repair writes are deltas, to be merged, and there may be further ranges.
        if (done.more || done.rows > 0) leave(Rest::unfinished);
    }
    // Not step(): neither statistics nor hours that expire change a number that is shown, so
    // nothing is announced.
    steps_.run([&] { (void)engine::refresh_statistics(source.name); });
    if (source.by_trigger && !source.dirty) keep_so_far(source.name);
    Health &health = health_[source.name];
    if (pg::ticks() - health.expired_at < kExpireEvery) return;
    engine::Progress done;
    steps_.run([&] { done = engine::expire_hours(source.name); });
    if (done.more) leave(Rest::unfinished);
    if (!done.more && !done.busy) health.expired_at = pg::ticks();
}

// What today is compared with; a number that is shown does not change by it.
void Rounds::keep_so_far(const std::string &source) {
    Health &health = health_[source];
    if (pg::ticks() < health.keep_due) return;
    engine::Progress done;
    steps_.run([&] { done = engine::keep_so_far(source); });
    if (!done.busy) health.keep_due = pg::ticks() + kKeepEvery;
}

void Rounds::spend_leisure(const std::vector<Source> &sources) {
    std::vector<std::string> names;
    for (const Source &source : sources)
        if (source.by_trigger && !source.dirty) names.push_back(source.name);
    std::sort(names.begin(), names.end());
    if (leisure_.spend(names)) leave(Rest::unfinished);
}

void Rounds::follow_owners() {
    try {
        steps_.run([] { engine::follow_owners(); });
    } catch (const Error &error) {
        if (steps_.gone()) throw;
        pg::log(pg::Level::warning, "new owners could not be followed: " + error.message,
                error.detail, error.hint);
    }
}

void Rounds::fold_errors() {
    folded_at_ = pg::ticks();
    try {
        steps_.run([] { (void)engine::fold_capture_errors(); });
    } catch (const Error &error) {
        if (steps_.gone()) throw;
        pg::log(pg::Level::warning, "capture errors could not be folded: " + error.message,
                error.detail, error.hint);
    }
}

void Rounds::failed(const std::string &source, const Error &error, int64_t took) {
    leave(Rest::blocked);
    Health &health = health_[source];
    health.patience.failed(pg::ticks(), took, error.sqlstate == "57014");
    health.clean = false;
    if (worth_logging(health.patience.failures))
        pg::log(pg::Level::warning,
                fmt::format("work on source \"{}\" failed: {}", source, error.message),
                error.detail, error.hint);
    steps_.run([&] {
        pg::execute(R"(
            INSERT INTO kpi.source_state AS st (source, last_error, last_error_at)
            SELECT name, $2, pg_catalog.clock_timestamp() FROM kpi.source WHERE name = $1
                ON CONFLICT (source) DO UPDATE SET last_error = EXCLUDED.last_error, last_error_at = EXCLUDED.last_error_at)",
                    {source, fmt::format("{}: {}", error.sqlstate, error.message)});
    });
}

void Rounds::succeeded(const std::string &source) {
    Health &health = health_[source];
    health.patience.failures = 0;
    if (health.clean) return;
    steps_.run([&] {
        pg::execute(
            "UPDATE kpi.source_state SET last_error = NULL WHERE source = $1 AND last_error IS NOT "
            "NULL",
            {source});
    });
    health.clean = true;
}

}  // namespace kpi::worker
