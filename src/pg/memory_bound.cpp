#include "pg/memory_bound.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "pg/guard.hpp"

namespace kpi::pg {
namespace {

constexpr size_t kCheckEvery = 32 << 10;  // bytes that were announced

}  // namespace

size_t read_memory() {
    return std::max(size_t(double(work_mem) * 1024 * std::max(hash_mem_multiplier, 1.0)),
                    size_t(maintenance_work_mem) * 1024);
}

void refuse_memory() {
    ereport(
        ERROR,
        (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
         errmsg("the answer does not fit into the memory of a read, %zu kB", read_memory() / 1024),
         errdetail("work_mem times hash_mem_multiplier, or maintenance_work_mem if that is more, "
                   "bounds what a read holds at a time."),
         errhint("Ask for a shorter range, a longer grain, fewer dimensions or metrics, or "
                 "raise work_mem for this statement.")));
}

MemoryBound::MemoryBound()
    : context_(CurrentMemoryContext), before_(MemoryContextMemAllocated(context_, true)) {}

void MemoryBound::add(size_t bytes) {
    beside_ += bytes;
    unchecked_ += bytes;
    if (unchecked_ < kCheckEvery) return;
    unchecked_ = 0;
    const size_t used = MemoryContextMemAllocated(context_, true) + beside_;
    if (used > before_ && used - before_ > read_memory()) call([] { refuse_memory(); });
}

std::string upkeep_memory() { return fmt::format("{}", std::max(work_mem, maintenance_work_mem)); }

}  // namespace kpi::pg
