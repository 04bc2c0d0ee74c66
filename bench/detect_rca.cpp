// Root-cause answers on labelled cubes, in the form tools/anomaly/rca_score.py wants.
//   usage: bench_detect_rca rca_cells.csv > answers.csv
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "detect/cause.hpp"

namespace {

using kpi::detect::Cause;
using kpi::detect::Leaf;
using kpi::detect::Measure;

constexpr const char *kDimensions[] = {"country", "source", "device", "plan"};

struct Cube {
    Measure measure = Measure::amount;
    std::vector<Leaf> leaves;
};

std::string text_of(const Cause &cause, const std::vector<std::vector<std::string>> &names) {
    std::vector<std::string> parts;
    for (const auto &e : cause.elements) {
        parts.push_back(std::string(kDimensions[e.dimension]) + "=" + names[e.dimension][e.code]);
    }
    if (!cause.is_pair) std::sort(parts.begin(), parts.end());
    std::string out;
    for (const auto &p : parts) out += (out.empty() ? "" : cause.is_pair ? "&" : ";") + p;
    return out;
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 2) return std::fprintf(stderr, "usage: %s rca_cells.csv\n", argv[0]), 2;
    std::ifstream in(argv[1]);
    std::string line;
    std::getline(in, line);
    std::map<int, Cube> cubes;
    std::vector<std::vector<std::string>> names(4);
    std::vector<std::map<std::string, int>> codes(4);
    while (std::getline(in, line)) {
        std::vector<std::string> field;
        std::stringstream row(line + ",");
        for (std::string f; std::getline(row, f, ',');) field.push_back(f);
        Cube &cube = cubes[std::atoi(field[0].c_str())];
        if (field[1] == "rate") cube.measure = Measure::rate;
        Leaf leaf;
        for (int d = 0; d < 4; ++d) {
            const auto [it, is_new] = codes[d].try_emplace(field[2 + d], codes[d].size());
            if (is_new) names[d].push_back(field[2 + d]);
            leaf.codes.push_back(it->second);
        }
        leaf.expected = std::atof(field[6].c_str());
        leaf.actual = std::atof(field[7].c_str());
        if (cube.measure == Measure::rate) {
            leaf.expected_trials = std::atof(field[8].c_str());
            leaf.actual_trials = std::atof(field[9].c_str());
        }
        cube.leaves.push_back(leaf);
    }
    std::printf("case,rank,elements\n");
    for (const auto &[id, cube] : cubes) {
        int rank = 0;
        for (const Cause &c : find_causes(cube.leaves, cube.measure, 3)) {
            std::printf("%d,%d,%s\n", id, ++rank, text_of(c, names).c_str());
        }
    }
    return 0;
}
