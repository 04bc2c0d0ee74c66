// Any bytes as the file of an environment and as a cron expression: read, or refused with an error
// of ours; a cron expression's next time is after the one it was asked for. Run by `make fuzz`.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/cron.hpp"
#include "core/error.hpp"
#include "environment/values.hpp"

namespace {

void read_file(std::string_view text) {
    try {
        (void)kpi::environment::read_values("dev", text);
    } catch (const kpi::Error &error) {
        if (error.sqlstate.size() != 5 || error.message.empty()) std::abort();
    }
}

void read_cron(std::string_view text) {
    const kpi::Zone utc{[](kpi::Timestamp at) { return kpi::Local{at.microseconds}; },
                        [](kpi::Local wall) { return kpi::Timestamp{wall.microseconds}; }};
    try {
        const kpi::Cron cron(text);
        const kpi::Timestamp now{849'000'000'000'000};
        const auto next = cron.next(now, utc);
        if (next && *next <= now) std::abort();
    } catch (const kpi::Error &error) {
        if (error.sqlstate != "22023" || error.hint.empty()) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    read_file(text);
    read_cron(text);
    return 0;
}
