// Cron expressions: five fields (minute hour day-of-month month day-of-week), as crontab(5) has
// them, and when they are due next on the wall clock of one zone.
//
// Fields: *, numbers, a-b, lists with commas, steps (*/5, 8-18/2, 3/10 = from 3 on), names of
// months and weekdays (three letters, any case), 7 for Sunday; day-of-month L = the last day of the
// month; day-of-week nL or FRIL = the last such weekday of the month. When both day fields are
// restricted (neither begins with *), a day counts that meets either. @hourly, @daily, @midnight,
// @weekly, @monthly, @yearly, @annually stand for their five fields.
//
// Changes of the clock, as Vixie cron: a schedule with fixed hours is due once for each wall-clock
// time that it names: at the moment of the jump for times that the clock skips, at the first of two
// for times that come twice. A schedule for every hour (hour field *) goes on in real time.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/dates.hpp"

namespace kpi {

class Cron {
public:
    // Errors: 22023, naming the field and what it may be.
    explicit Cron(std::string_view text);

    // The first due time after `after`; nullopt: there is none (30 February).
    std::optional<Timestamp> next(Timestamp after, const Zone &zone) const;
    bool is_due_on(Date day) const;

private:
    std::optional<Timestamp> next_in_real_time(Date day, Timestamp after, const Zone &zone) const;
    std::optional<Timestamp> next_on_wall_clock(Date day, Timestamp after, const Zone &zone) const;

    std::bitset<60> minutes_;
    std::bitset<24> hours_;
    std::bitset<32> days_;  // of the month
    std::bitset<13> months_;
    std::bitset<7> weekdays_;  // Sunday 0
    std::bitset<7> last_weekdays_;
    bool last_day_ = false;
    bool every_hour_ = false;
    bool any_day_ = false, any_weekday_ = false;
};

}  // namespace kpi
