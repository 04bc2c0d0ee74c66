// Materialized views on top of KPIs. A watched view (kpi.watch_view) is dirty when something was
// merged, since its last refresh, into a source that it reads: through the facts view, a base
// table, kpi_data or a reading function. Refreshed as the view's owner; PostgreSQL restricts what
// the view's query may do.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/announcement.hpp"
#include "core/error.hpp"
#include "core/table.hpp"
#include "worker/patience.hpp"
#include "worker/steps.hpp"

namespace kpi::worker {

// concurrent: where a unique index and a filled view allow it
enum class Manner { concurrent, exclusive };
enum class Analyze { when_new, always, never };  // when_new: the view was not filled before

struct View {
    ObjectId id;
    std::string name;  // schema.name, quoted
};

// Inside a transaction with an open Spi. Errors: 42809 not a materialized view, 42P01 no such
// relation; PostgreSQL's own.
void refresh_view(ObjectId view, Manner manner, Analyze analyze);
// Watched views that are dirty; `interval`: seconds that must have passed since their last refresh.
std::vector<View> dirty_views(double interval);

// The worker's part: refreshes what is due, keeps errors in kpi.view, lets a failing view wait.
class Refresher {
public:
    explicit Refresher(Steps &steps) : steps_(steps) {}
    void refresh_due(Announcement &changes);

private:
    void failed(const View &view, const Error &error, int64_t took);

    Steps &steps_;
    std::map<uint32_t, Patience> health_;
    int64_t looked_at_ = 0;
};

}  // namespace kpi::worker
