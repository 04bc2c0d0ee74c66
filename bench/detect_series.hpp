// Labelled series from files, for the benchmarks of detection.
//
// Purpose: DATA/SET.csv (series,ts,value,label), SET_meta.csv (series,freq,kind,source) and, where
//          it is there, SET_aux.csv (what a caller knows: den, holiday, frac), as points for a
//          detector.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "detect/holidays.hpp"
#include "detect/request.hpp"
#include "detect/types.hpp"

namespace kpi::bench {

struct LabelledPoint {
    detect::Point point;
    std::string ts;
    int label = 0;  // 1 = anomaly, 0 = normal, 2 = not to be scored
};

struct LabelledSeries {
    std::string name, kind;
    detect::Options options;
    std::vector<LabelledPoint> points;
};

inline std::vector<std::string> fields_of(const std::string &line) {
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

inline std::int64_t period_of(const std::string &ts, detect::Frequency grain) {
    const std::int64_t day = detect::day_number(std::atoi(ts.c_str()), std::atoi(ts.c_str() + 5),
                                                std::atoi(ts.c_str() + 8));
    return grain == detect::Frequency::hour ? 24 * day + std::atoi(ts.c_str() + 11) : day;
}

inline detect::Kind kind_of(const std::string &name) {
    if (name.starts_with("count")) return detect::Kind::count;
    if (name.starts_with("rate")) return detect::Kind::rate;
    return name == "revenue" ? detect::Kind::amount : detect::Kind::level;
}

// `base` is DATA/SET.
inline std::vector<LabelledSeries> load_series(const std::string &base) {
    std::vector<LabelledSeries> all;
    std::map<std::string, std::size_t> index;
    each_row(base + "_meta.csv", [&](const std::vector<std::string> &f) {
        LabelledSeries s{f[0], f[2], {}, {}};
        s.options.grain = f[1] == "h" ? detect::Frequency::hour : detect::Frequency::day;
        s.options.kind = kind_of(f[2]);
        index[f[0]] = all.size();
        all.push_back(std::move(s));
    });
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> known;
    each_row(base + "_aux.csv", [&](const std::vector<std::string> &f) {
        known[{f[0], f[1]}] = f;
    });
    each_row(base + ".csv", [&](const std::vector<std::string> &f) {
        LabelledSeries &s = all[index.at(f[0])];
        detect::Point p;
        p.period = period_of(f[1], s.options.grain);
        p.value = std::atof(f[2].c_str());
        if (const auto it = known.find({f[0], f[1]}); it != known.end()) {
            const auto &x = it->second;
            if (!x[2].empty()) p.denominator = std::atof(x[2].c_str());
            p.fraction = std::atof(x[4].c_str());
            if (!x[3].empty()) {
                p.event = detect::event_id(x[3]);
                p.effect = detect::Effect::widen;
            }
        }
        s.points.push_back({p, f[1], std::atoi(f[3].c_str())});
    });
    return all;
}

}  // namespace kpi::bench
