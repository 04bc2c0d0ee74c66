// Verdicts of one method on labelled series, in the form tools/anomaly/score.py wants.
//   usage: bench_detect_score DATA_DIR real|synth METHOD > verdicts.csv
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "detect/detector.hpp"
#include "detect/holidays.hpp"
#include "detect/request.hpp"

namespace {

using namespace kpi::detect;  // NOLINT: a bench program has no other names

std::vector<std::string> fields_of(const std::string &line) {
    std::vector<std::string> out;
    std::stringstream row(line + ",");
    for (std::string f; std::getline(row, f, ',');) out.push_back(f);
    return out;
}

template <class F>
void each_row(const std::string &path, F f) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) f(fields_of(line));
}

std::int64_t period_of(const std::string &ts, Frequency grain) {
    const std::int64_t day =
        day_number(std::atoi(ts.c_str()), std::atoi(ts.c_str() + 5), std::atoi(ts.c_str() + 8));
    return grain == Frequency::hour ? 24 * day + std::atoi(ts.c_str() + 11) : day;
}

Kind kind_of(const std::string &name) {
    if (name.starts_with("count")) return Kind::count;
    if (name.starts_with("rate")) return Kind::rate;
    return name == "revenue" ? Kind::amount : Kind::level;
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: %s DATA_DIR real|synth METHOD\n", argv[0]);
        return 2;
    }
    const std::string base = std::string(argv[1]) + "/" + argv[2];
    std::map<std::string, std::unique_ptr<Detector>> detectors;
    std::map<std::string, Frequency> grains;
    each_row(base + "_meta.csv", [&](const std::vector<std::string> &f) {
        Options options;
        options.grain = f[1] == "h" ? Frequency::hour : Frequency::day;
        options.kind = kind_of(f[2]);
        grains[f[0]] = options.grain;
        detectors[f[0]] = std::make_unique<Detector>(method_by_name(argv[3]), options);
    });
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> known;
    each_row(base + "_aux.csv", [&](const std::vector<std::string> &f) {
        known[{f[0], f[1]}] = f;
    });
    std::printf("series,ts,score,is_anomaly,p,expected,lower,upper,label\n");
    each_row(base + ".csv", [&](const std::vector<std::string> &f) {
        Point p;
        p.period = period_of(f[1], grains[f[0]]);
        p.value = std::atof(f[2].c_str());
        if (const auto it = known.find({f[0], f[1]}); it != known.end()) {
            const auto &x = it->second;
            if (!x[2].empty()) p.denominator = std::atof(x[2].c_str());
            p.fraction = std::atof(x[4].c_str());
            if (!x[3].empty()) {
                p.event = event_id(x[3]);
                p.effect = Effect::widen;
            }
        }
        const Verdict v = detectors[f[0]]->observe(p);
        if (!std::isfinite(v.expected)) return;
        std::printf("%s,%s,%.6g,%d,%.6g,%.6g,%.6g,%.6g,%s\n", f[0].c_str(), f[1].c_str(), v.score,
                    v.is_anomaly ? 1 : 0, v.p, v.expected, v.lower, v.upper, f[3].c_str());
    });
    return 0;
}
