#include "detect/season.hpp"

namespace kpi::detect {

namespace {

int weekday(std::int64_t day) {  // Monday = 0; 1970-01-01 was a Thursday
    return static_cast<int>(((day + 3) % 7 + 7) % 7);
}

}  // namespace

int cell_count(Frequency grain) {
    return grain == Frequency::day ? 7 : grain == Frequency::hour ? kMaxCells : 1;
}

int season_length(Frequency grain) {
    return grain == Frequency::day ? 7 : grain == Frequency::hour ? 24 : 1;
}

int cell_of(Frequency grain, std::int64_t period) {
    if (grain == Frequency::day) return weekday(period);
    if (grain == Frequency::other) return 0;
    const auto hour = static_cast<int>((period % 24 + 24) % 24);
    const int day = weekday((period - hour) / 24);
    const int day_class = day < 5 ? 0 : day - 4;
    return day_class * 24 + hour;
}

}  // namespace kpi::detect
