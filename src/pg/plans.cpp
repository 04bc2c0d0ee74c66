#include "pg/plans.hpp"

#include <list>
#include <string>
#include <unordered_map>

namespace kpi::pg {
namespace {

struct Kept {
    std::string key;
    SPIPlanPtr plan = nullptr;
    int users = 0;  // running statements: a plan must not go while its executor is on the stack
};

struct Cache {
    std::list<Kept> plans;  // most recently used first; list nodes do not move
    std::unordered_map<std::string_view, std::list<Kept>::iterator>
        by_key;  // views into the nodes' keys

    void shrink();
};

// Built at the first use, in a backend: nothing global is constructed in the postmaster.
Cache &cache() {
    static Cache instance;
    return instance;
}

void Cache::shrink() {
    for (auto it = plans.end(); plans.size() > kKeptPlans && it != plans.begin();) {
        --it;
        if (it->users > 0) continue;
        SPIPlanPtr plan = it->plan;
        by_key.erase(it->key);
        it = plans.erase(it);
        call([&] { SPI_freeplan(plan); });
    }
}

SPIPlanPtr prepare(const char *statement, int count, Oid *types) {
    return call([&] {
        SPIPlanPtr plan = SPI_prepare_cursor(statement, count, types, CURSOR_OPT_GENERIC_PLAN);
        if (plan == nullptr)
            elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
        if (SPI_keepplan(plan) != 0) elog(ERROR, "SPI_keepplan failed");
        return plan;
    });
}

}  // namespace

KeptPlan::KeptPlan(const char *statement, int count, Oid *types) {
    std::string key(reinterpret_cast<const char *>(types), sizeof(Oid) * size_t(count));
    key += statement;
    Cache &kept = cache();
    auto found = kept.by_key.find(key);
    if (found == kept.by_key.end()) {
        SPIPlanPtr plan = prepare(statement, count, types);
        kept.plans.push_front({std::move(key), plan, 0});
        found = kept.by_key.emplace(kept.plans.front().key, kept.plans.begin()).first;
    } else {
        kept.plans.splice(kept.plans.begin(), kept.plans, found->second);
    }
    Kept &entry = *found->second;
    plan_ = entry.plan;
    users_ = &entry.users;
    ++entry.users;
    kept.shrink();
}

KeptPlan::~KeptPlan() { --*users_; }

}  // namespace kpi::pg
