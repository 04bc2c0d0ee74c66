#include "pg/safely.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"
#include "pg/time_limit.hpp"

namespace kpi::pg {

std::optional<Mishap> run_safely(const std::function<void()> &body) {
    bool over = false;
    try {
        const Savepoint undone;
        const CancelAfter limit(int64_t(settings().check_timeout) * 1000);
        try {
            body();
        } catch (const Error &) {
            over = limit.fired();
            throw;
        }
    } catch (const Error &error) {
        if (error.error_class() == "57" && !over) throw;
        return Mishap{over ? fmt::format("it took longer than {} s", settings().check_timeout)
                           : error.message,
                      error.sqlstate, over};
    }
    return std::nullopt;
}

}  // namespace kpi::pg
