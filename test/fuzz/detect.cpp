// Any bytes as options and points through every detector: no crash, no undefined behaviour, no
// score that is not a number. Run by `make fuzz`.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "core/error.hpp"
#include "detect/detector.hpp"
#include "detect/forecast.hpp"

using namespace kpi::detect;  // NOLINT: a fuzz target has no other names

namespace {

struct Bytes {
    const std::uint8_t *at;
    std::size_t left;
    template <class T>
    bool take(T &out) {
        if (left < sizeof out) return false;
        std::memcpy(&out, at, sizeof out);
        at += sizeof out;
        left -= sizeof out;
        return true;
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    Bytes bytes{data, size};
    std::uint8_t head[6];
    if (!bytes.take(head)) return 0;
    Options options;
    options.kind = static_cast<Kind>(head[1] % 5);
    options.grain = static_cast<Frequency>(head[2] % 3);
    options.direction = static_cast<Direction>(head[3] % 3);
    options.partial = static_cast<Partial>(head[4] % 2);
    options.min_history = 2 + head[5] % 60;
    Detector detector(static_cast<Method>(head[0] % 9), options);
    std::int64_t period = -100;
    for (;;) {
        std::uint8_t step = 0, flags = 0;
        Point p;
        if (!bytes.take(step) || !bytes.take(flags) || !bytes.take(p.value)) break;
        period += 1 + (step % 16 == 0 ? step : 0);
        p.period = period;
        if (flags & 1 && !bytes.take(p.denominator)) break;
        if (flags & 2) p.fraction = (step + 1) / 256.0;
        if (flags & 4) p.event = step;
        p.effect = static_cast<Effect>(flags / 8 % 4);
        const Verdict v = detector.observe(p);
        if (!std::isfinite(v.score) || v.score < 0 || !std::isfinite(v.z)) std::abort();
        if (std::isfinite(v.p) && (v.p <= 0 || v.p > 1)) std::abort();
        if (v.lower > v.expected || v.expected > v.upper) std::abort();
    }
    if (detector.state().started) forecast(detector.state(), 10, 0.9);
    return 0;
}
