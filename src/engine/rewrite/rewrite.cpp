#include "engine/rewrite/rewrite.hpp"

#include "engine/rewrite/part.hpp"
#include "pg/guard.hpp"
#include "pg/run.hpp"

namespace kpi::rewrite {
namespace {

using pg::call;

// In the snapshot that is held.
constexpr pg::Options kHeld{.access = pg::Access::read_only};

void compare(const Job &job, Part *part, const Days &days) {
    for (RollupTable *table : {&part->day, &part->hour})
        pg::run_into(job.existing(table->grain == Grain::hour, days), {}, kHeld,
                     receive_rows(part, table));
}

}  // namespace

Outcome rewrite(const Job &job, size_t max_days) {
    const int *coarse = job.coarse.data();
    Part *part = call([&] { return open_part(job, coarse, max_days); });
    if (job.by_trigger) call([&] { sum_facts(part, job.days); });
    for (const std::string &sql : job.more)
        pg::run_into(sql, {}, kHeld, receive_rows(part, nullptr));
    call([&] { finish_summing(part); });
    Days days = job.days;
    for (bool more = true; more; days = {days.to, job.days.to}) {
        more = call([&] { return next_part(part, &days); });
        if (job.filled) compare(job, part, days);
        call([&] { write_part(part); });
    }
    Outcome out;
    out.rows = part->rows;
    const DateADT *touched = nullptr;
    const uint32 count = call([&] { return touched_days(part, &touched); });
    out.days.assign(touched, touched + count);
    call([&] { close_part(part); });
    return out;
}

}  // namespace kpi::rewrite
