// Verdicts of one method on labelled series, in the form tools/anomaly/score.py wants.
//   usage: bench_detect_score DATA_DIR real|synth METHOD > verdicts.csv
#include <cmath>
#include <cstdio>
#include <string>

#include "detect/detector.hpp"
#include "detect_series.hpp"

int main(int argc, char **argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: %s DATA_DIR real|synth METHOD\n", argv[0]);
        return 2;
    }
    using namespace kpi;  // NOLINT: a bench program has no other names
    std::printf("series,ts,score,is_anomaly,p,expected,lower,upper,label\n");
    for (const bench::LabelledSeries &s :
         bench::load_series(std::string(argv[1]) + "/" + argv[2])) {
        detect::Detector detector(detect::method_by_name(argv[3]), s.options);
        for (const bench::LabelledPoint &x : s.points) {
            const detect::Verdict v = detector.observe(x.point);
            if (!std::isfinite(v.expected)) continue;
            std::printf("%s,%s,%.6g,%d,%.6g,%.6g,%.6g,%.6g,%d\n", s.name.c_str(), x.ts.c_str(),
                        v.score, v.is_anomaly ? 1 : 0, v.p, v.expected, v.lower, v.upper, x.label);
        }
    }
    return 0;
}
