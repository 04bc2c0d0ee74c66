#include "pg/held_snapshot.hpp"

#include "pg/guard.hpp"

namespace kpi::pg {

HeldSnapshot::HeldSnapshot() : exceptions_(std::uncaught_exceptions()) {
    call([] { PushActiveSnapshot(GetLatestSnapshot()); });
}

HeldSnapshot::~HeldSnapshot() {
    if (std::uncaught_exceptions() > exceptions_) return;
    attempt([] { PopActiveSnapshot(); });
}

int64_t HeldSnapshot::execute(std::string_view sql) const {
    const std::string text(sql);
    const char *statement = text.c_str();
    call([&] {
        SPIPlanPtr plan = SPI_prepare(statement, 0, nullptr);
        if (plan == nullptr)
            elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
        Snapshot snapshot = RegisterSnapshot(GetActiveSnapshot());
        const int status =
            SPI_execute_snapshot(plan, nullptr, nullptr, snapshot, InvalidSnapshot, false, true, 0);
        UnregisterSnapshot(snapshot);
        SPI_freeplan(plan);
        if (status < 0) elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(status));
    });
    return int64_t(SPI_processed);
}

}  // namespace kpi::pg
