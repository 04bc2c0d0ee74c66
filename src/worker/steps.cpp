#include "worker/steps.hpp"

#include "pg/doorbell.hpp"
#include "pg/lock.hpp"
#include "pg/process.hpp"
#include "pg/time_limit.hpp"

namespace kpi::worker {

Limited::Limited(Steps &steps, int64_t milliseconds) : steps_(steps) { steps_.limit(milliseconds); }

Limited::~Limited() { steps_.limit(0); }

void Steps::run(const Part &locks, const Part &body) {
    if (procedure_ == nullptr)
        in_process(locks, body);
    else
        in_procedure(locks, body);
}

bool Steps::take_doorbell() {
    if (pg::answer_doorbell()) doorbell_ = true;
    return std::exchange(doorbell_, false);
}

void Steps::hold_extension() {
    if (pg::share_extension()) return;
    gone_ = true;
    throw Error("42704", "extension \"kpi_ext\" does not exist");
}

void Steps::in_process(const Part &locks, const Part &body) {
    {
        pg::Transaction transaction;
        hold_extension();
        if (locks) {
            locks();
            pg::see_one_snapshot();
        }
        {
            pg::OuterSnapshot snapshot;
            pg::Spi spi;
            const pg::TimeLimit limit(limit_);
            body();
        }
        transaction.commit();
    }
    pg::finish_notify();
    pg::report_statistics();
    // A long round must not hold back the cluster's queue of notifications.
    if (pg::answer_doorbell()) doorbell_ = true;
}

void Steps::in_procedure(const Part &locks, const Part &body) {
    // The statement that called may have a snapshot already, and so has a step that failed.
    if (locks) procedure_->commit();
    {
        pg::Savepoint savepoint;
        hold_extension();
        if (locks) {
            locks();
            pg::see_one_snapshot();
        }
        {
            pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
            pg::LocalSettings settings({{"search_path", "pg_catalog, pg_temp"},
                                        {"row_security", "off"},
                                        {"TimeZone", "UTC"}});
            body();
        }
        savepoint.release();
    }
    procedure_->commit();
}

}  // namespace kpi::worker
