#include "engine/capture/transaction.hpp"

#include "engine/capture/delta.hpp"
#include "engine/capture/own_changes.hpp"
#include "pg/bell.hpp"
#include "pg/settings.hpp"
#include "pg/slots.hpp"

namespace kpi::capture {
namespace {

constexpr uint32 kCheckEvery = 256;  // rows between looks at the memory used

Level *innermost = nullptr;
bool flush_over = false;  // this transaction has flushed: later rows are written at once
bool wrote = false;
uint32_t flushed_rows = 0;
uint32 since_check = 0;

void flush() {
    for (Level *level = innermost; level != nullptr; level = level->outer) {
        for (Changes *changes = level->changes; changes != nullptr; changes = changes->next) {
            if (changes->count > 0) wrote = true;
            flushed_rows += uint32_t(changes->count);
            write_changes(changes);
        }
        write_failures(level);
    }
}

// Cannot fail: deletes memory and resets variables.
void forget() noexcept {
    while (innermost != nullptr) {
        Level *outer = innermost->outer;
        MemoryContextDelete(innermost->context);
        innermost = outer;
    }
    flush_over = false;
    wrote = false;
    flushed_rows = 0;
}

void on_transaction(XactEvent event, void *) {
    switch (event) {
        case XACT_EVENT_PRE_COMMIT:
        case XACT_EVENT_PRE_PREPARE:
            if (innermost != nullptr) flush();
            // Also without changes: a callback that runs after this one may still write.
            flush_over = true;
            break;
        case XACT_EVENT_COMMIT:
            Assert(innermost == nullptr || flush_over);
            if (wrote) pg::ring_worker(flushed_rows);
            forget();
            break;
        case XACT_EVENT_PREPARE:
        case XACT_EVENT_ABORT:
            forget();
            break;
        default:
            break;  // parallel workers fire no triggers
    }
}

void on_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
    if (innermost == nullptr) return;
    const int nest = GetCurrentTransactionNestLevel();
    switch (event) {
        case SUBXACT_EVENT_PRE_COMMIT_SUB:
            if (innermost->nest == nest && innermost->outer != nullptr &&
                innermost->outer->nest == nest - 1) {
                merge_levels(innermost->outer, innermost);
                Level *outer = innermost->outer;
                MemoryContextDelete(innermost->context);
                innermost = outer;
            }
            break;
        case SUBXACT_EVENT_COMMIT_SUB:
            // No allocation here: what is left simply belongs to the parent now.
            for (Level *level = innermost; level != nullptr && level->nest == nest;
                 level = level->outer)
                level->nest = nest - 1;
            break;
        case SUBXACT_EVENT_ABORT_SUB:
            while (innermost != nullptr && innermost->nest >= nest) {
                Level *outer = innermost->outer;
                MemoryContextDelete(innermost->context);
                innermost = outer;
            }
            break;
        default:
            break;
    }
}

}  // namespace

void register_callbacks() {
    RegisterXactCallback(on_transaction, nullptr);
    RegisterSubXactCallback(on_subtransaction, nullptr);
}

Level *current_level() {
    const int nest = GetCurrentTransactionNestLevel();
    if (innermost != nullptr && innermost->nest == nest) return innermost;
    MemoryContext context =
        AllocSetContextCreate(TopTransactionContext, "kpi accumulator", ALLOCSET_SMALL_SIZES);
    auto *level = static_cast<Level *>(MemoryContextAllocZero(context, sizeof(Level)));
    level->context = context;
    level->nest = nest;
    level->outer = innermost;
    innermost = level;
    pg::find_worker_slot();
    return level;
}

Level *innermost_level() { return innermost; }

bool has_own_changes() { return innermost_level() != nullptr; }

void after_change(Level *level, Changes *changes) {
    bool spill = flush_over || changes->full;
    if (!spill && ++since_check >= kCheckEvery) {
        since_check = 0;
        spill = MemoryContextMemAllocated(level->context, true) >
                Size(pg::settings().accumulator_memory) * 1024;
    }
    if (!spill) return;
    // Early is exact: the rows belong to the same subtransaction as the changes they stand for.
    wrote = true;
    flushed_rows += uint32_t(changes->count);
    write_changes(changes);
    if (flush_over) write_failures(level);
}

}  // namespace kpi::capture
