#include "engine/rollup/settings.hpp"

#include "pg/memory_bound.hpp"

namespace kpi::engine {
namespace {

using Settings = std::vector<std::pair<const char *, std::string>>;

Settings plain() {
    return {{"search_path", "pg_catalog, pg_temp"},
            {"row_security", "off"},
            {"DateStyle", "ISO, YMD"},
            {"IntervalStyle", "postgres"},
            {"extra_float_digits", "1"},
            {"TimeZone", "UTC"},
            {"jit", "off"}};
}

Settings with(Settings more) {
    Settings out = plain();
    for (auto &setting : more) out.push_back(std::move(setting));
    return out;
}

}  // namespace

pg::LocalSettings plain_settings() { return pg::LocalSettings(plain()); }

pg::LocalSettings merge_settings() {
    return pg::LocalSettings(with({{"enable_hashjoin", "off"},
                                   {"enable_mergejoin", "off"},
                                   {"enable_seqscan", "off"},
                                   {"enable_bitmapscan", "off"},
                                   {"enable_material", "off"},
                                   {"synchronize_seqscans", "off"}}));
}

pg::LocalSettings facts_settings() {
    return pg::LocalSettings(with({{"enable_partitionwise_aggregate", "on"},
                                   {"enable_partitionwise_join", "on"},
                                   {"work_mem", pg::upkeep_memory()}}));
}

}  // namespace kpi::engine
