// Buckets of a range, what each is compared with, and which days and hours must be summed for it.
// Calendar rules only: no SQL, no clock (the reader's time comes in). All rules are on the wall
// clock of one zone; hours are named by their start, U - (L - start of the hour of L), where U is
// an instant and L its wall clock, as capture names them.
//
// Counterparts (Compare), applied to the part of the bucket that lies in the range:
//   week          7 days earlier                       (grains hour, day, week, total)
//   same_weekday  7 days earlier; total: the fewest whole weeks that leave no overlap   (the same
//                 grains)
//   month         the same day of the month before; a day that it lacks becomes its last (31 March:
//                 28 or 29 February); whole months against whole months; grain week: the ISO week
//                 that holds this Thursday a month earlier (grains hour, day, week, month, total)
//   year          likewise 12 months earlier; grain week: the same ISO week number, week 53 against
//                 52 where there is none
//   previous      the period before the range: as many days (by hour too), weeks, months, quarters
//                 or years; total: calendar months when the range is whole months, otherwise as
//                 many days
//   An open bucket is compared with its counterpart up to the same wall-clock time, a future one
//   with nothing.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/dates.hpp"

namespace kpi {

enum class Grain { hour, day, week, month, quarter, year, total };
enum class Compare { none, previous, same_weekday, week, month, year };

// Errors: 22023 with a hint that lists the words. Also hourly, daily, weekly, monthly, quarterly,
// yearly.
Grain parse_grain(std::string_view word);
Compare parse_compare(std::optional<std::string_view> word);
std::string_view name(Grain grain);

// Hours of one local day, named by their start: those in [from, to). After `cut` nothing counts; of
// the hour `cut` itself counts what lies before `until`, which is `weight` of it by the clock.
struct HourSpan {
    Date day;
    Timestamp from, to;
    Timestamp cut = {INT64_MAX};
    double weight = 1;
    Timestamp until = {INT64_MAX};
};

// What one sum reads: whole days [day_from, day_to), and hours of days at the edges.
struct Slice {
    Date day_from, day_to;
    std::vector<HourSpan> hours;
};

struct Bucket {
    Date day;              // its first local day
    Timestamp start, end;  // the whole bucket
    // the part inside the range; whole hours are read, so bounds inside an hour widen to it
    Timestamp from, to;
};

// In order; errors: 54000 when there are more than `most`.
std::vector<Bucket> buckets(Grain grain, const Range &range, const Zone &zone,
                            size_t most = 100'000);

// The bucket of the grain that holds an instant (total has none: 22023).
Bucket bucket_at(Grain grain, Timestamp at, const Zone &zone);

bool is_open(const Bucket &bucket, Timestamp now);
bool is_complete(const Bucket &bucket, Timestamp now);
// Share of the whole bucket, in real time, that is in the range and past.
double elapsed(const Bucket &bucket, Timestamp now);

Slice slice(Grain grain, const Bucket &bucket, const Zone &zone);

// What `bucket` is compared with; nullopt: nothing. Errors: 22023 for a comparison that the grain
// does not know.
class Pairing {
public:
    Pairing(Compare compare, Grain grain, const Range &range, size_t bucket_count, Timestamp now,
            const Zone &zone);
    std::optional<Slice> counterpart(const Bucket &bucket) const;

private:
    Date shift(Date day) const;
    Date shift_week(Date day) const;

    Compare compare_;
    Grain grain_;
    Timestamp now_;
    const Zone &zone_;
    int days_ = 0;
    int months_ = 0;
};

// The same part of an open day or week, `weeks` weeks earlier, up to the same wall-clock time.
Slice so_far(const Bucket &bucket, Timestamp now, int weeks, const Zone &zone);

}  // namespace kpi
