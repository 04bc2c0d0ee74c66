// What a read may hold in memory: work_mem times hash_mem_multiplier, as PostgreSQL bounds its own
// hash tables, or maintenance_work_mem, if that is more. A read has nowhere to spill to, so what
// needs more is refused, and the defaults of a server must suffice for what people ask.
#pragma once

#include <cstddef>
#include <string>

struct MemoryContextData;

namespace kpi::pg {

// In bytes.
size_t read_memory();

// For code inside the executor. Raises 53400.
[[noreturn]] void refuse_memory();

// What was taken since the bound was made: palloc'd in the context that was current then or below
// it, and what add() is told of, which is elsewhere.
class MemoryBound {
public:
    MemoryBound();
    // Errors: 53400. Looks only now and then, so that a call costs next to nothing.
    void add(size_t bytes);

private:
    MemoryContextData *context_;
    size_t before_, beside_ = 0, unchecked_ = 0;
};

// The greater of work_mem and maintenance_work_mem, as a value of the former: for what is built, as
// opposed to asked.
std::string upkeep_memory();

}  // namespace kpi::pg
