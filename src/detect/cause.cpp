#include "detect/cause.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/error.hpp"

namespace kpi::detect {

namespace {

constexpr double kPrice = 4;         // log-likelihood a further element must bring
constexpr double kLeastPair = 0.01;  // of the expected total ...
constexpr double kLargePair = 0.1;   // ... or, where few are expected, of the actual one
constexpr double kPrior = 1;         // expected events, spread evenly over the cells
constexpr double kLeastGain = 2;     // below it nothing stands out: a chance of one in twenty
constexpr double kFewHits = 50;      // expected ones, below which a rate is judged by its hits

// Sums over a part of the cube. For rates `expected` is what the actual trials would bring at the
// expected rate.
struct Sums {
    double actual = 0, expected = 0, variance = 0;

    Sums &operator+=(const Sums &o) {
        actual += o.actual;
        expected += o.expected;
        variance += o.variance;
        return *this;
    }
    Sums operator-(const Sums &o) const {
        return {actual - o.actual, expected - o.expected, variance - o.variance};
    }
};

// `prior`: what is expected where nothing was seen, so that a part that appears can be compared.
Sums sums_of(const Leaf &leaf, Measure measure, double prior) {
    if (measure == Measure::amount)
        return {leaf.actual, leaf.expected + prior, leaf.expected + prior};
    if (leaf.expected_trials <= 0 || leaf.actual_trials <= 0) return {};
    const double rate = std::clamp(leaf.expected / leaf.expected_trials, 0.0, 1.0);
    const double expected = leaf.actual_trials * rate;
    return {leaf.actual, expected, expected * (1 - rate)};
}

// Log-likelihood of a part having its own change, up to what is common to all hypotheses.
double fit(const Sums &s, Measure measure, double least) {
    if (measure == Measure::rate) {
        const double off = s.actual - s.expected;
        return s.variance > 1e-9 ? off * off / (2 * s.variance) : 0;
    }
    if (s.actual <= 0) return 0;
    return s.actual * std::log(s.actual / std::max(s.expected, least));
}

double gain_of(const Sums &in, const Sums &all, Measure measure, double least) {
    return fit(in, measure, least) + fit(all - in, measure, least) - fit(all, measure, least);
}

struct Search {
    Measure measure = Measure::amount;
    std::span<const Leaf> leaves;
    std::vector<Sums> cells;
    Sums all;
    std::size_t dimensions = 0;
    double least = 0.5;  // expected events of a part
    std::vector<Cause> found;

    void add(std::vector<Element> elements, bool is_pair, const Sums &in) {
        Cause c;
        c.is_pair = is_pair;
        c.gain = gain_of(in, all, measure, least);
        c.actual = in.actual;
        c.expected = in.expected;
        const double off = all.actual - all.expected;
        c.share = off != 0 ? (in.actual - in.expected) / off : 0;
        c.elements = std::move(elements);
        found.push_back(std::move(c));
    }
};

// Up to four values from either end of one dimension, ordered by how far they are off for their
// size.
void search_dimension(Search &s, std::size_t dimension) {
    std::map<int, Sums> values;
    for (std::size_t i = 0; i < s.leaves.size(); ++i) {
        values[s.leaves[i].codes[dimension]] += s.cells[i];
    }
    struct Ranked {
        int code;
        Sums sums;
        double off;
    };
    std::vector<Ranked> order;
    const double factor =
        s.measure == Measure::amount ? s.all.actual / std::max(s.all.expected, 1e-300) : 1;
    for (const auto &[code, v] : values) {
        const double scale = std::sqrt(std::max(v.variance * factor, 0.25));
        order.push_back({code, v, (v.actual - factor * v.expected) / scale});
    }
    std::sort(order.begin(), order.end(), [](auto &a, auto &b) { return a.off < b.off; });
    for (int end = 0; end < 2; ++end) {
        if (end == 1) std::reverse(order.begin(), order.end());
        std::vector<Element> elements;
        Sums in;
        for (std::size_t k = 0; k < std::min(kMaxElements, order.size() - 1); ++k) {
            elements.push_back({dimension, order[k].code});
            in += order[k].sums;
            s.add(elements, false, in);
        }
    }
}

void search_pair(Search &s, std::size_t a, std::size_t b) {
    std::map<std::pair<int, int>, Sums> pairs;
    for (std::size_t i = 0; i < s.leaves.size(); ++i) {
        pairs[{s.leaves[i].codes[a], s.leaves[i].codes[b]}] += s.cells[i];
    }
    for (const auto &[code, in] : pairs) {
        const bool appears = s.all.expected < kFewHits && in.actual >= kLargePair * s.all.actual;
        if (in.expected < kLeastPair * s.all.expected && !appears) continue;
        s.add({{a, code.first}, {b, code.second}}, true, in);
    }
}

bool inside(const Cause &c, const Leaf &leaf) {
    const auto holds = [&](const Element &e) { return leaf.codes[e.dimension] == e.code; };
    if (c.is_pair) return std::all_of(c.elements.begin(), c.elements.end(), holds);
    return std::any_of(c.elements.begin(), c.elements.end(), holds);
}

// Pearson dispersion of the cells once the cause has its own change: how much wider than Poisson
// they really are.
double dispersion(const Search &s, const Cause &c) {
    Sums in, out;
    for (std::size_t i = 0; i < s.leaves.size(); ++i)
        (inside(c, s.leaves[i]) ? in : out) += s.cells[i];
    const auto change = [&](const Sums &part) {
        if (s.measure == Measure::rate) {
            return part.variance > 0 ? (part.actual - part.expected) / part.variance : 0;
        }
        return part.expected > 0 ? part.actual / part.expected : 1;
    };
    const double inner = change(in), outer = change(out);
    double chi = 0, cells = 0;
    for (std::size_t i = 0; i < s.leaves.size(); ++i) {
        const Sums &x = s.cells[i];
        const double by = inside(c, s.leaves[i]) ? inner : outer;
        const double fitted =
            s.measure == Measure::rate ? x.expected + by * x.variance : x.expected * by;
        const double variance = s.measure == Measure::rate ? x.variance : fitted;
        if (variance < 0.5) continue;  // too small a cell to speak of dispersion
        chi += (x.actual - fitted) * (x.actual - fitted) / variance;
        cells += 1;
    }
    return cells > 3 ? std::max(chi / (cells - 2), 1.0) : 1;
}

// Hits against those that the actual trials would bring, for rates so small that a normal law is
// none: each rate is shrunk to that of all, with as many trials as a cell has on average.
std::vector<Leaf> hits_of(std::span<const Leaf> leaves) {
    double hits = 0, trials = 0;
    for (const Leaf &leaf : leaves) {
        hits += leaf.expected;
        trials += leaf.expected_trials;
    }
    const double rate = (hits + 0.5) / (trials + 1);
    const double weight = trials / static_cast<double>(leaves.size()) + 1;
    std::vector<Leaf> out(leaves.begin(), leaves.end());
    for (Leaf &leaf : out)
        leaf.expected =
            leaf.actual_trials * (leaf.expected + weight * rate) / (leaf.expected_trials + weight);
    return out;
}

bool expects_few(std::span<const Leaf> leaves) {
    double hits = 0;
    for (const Leaf &leaf : leaves) hits += leaf.expected;
    return hits < kFewHits;
}

}  // namespace

std::vector<Cause> find_causes(std::span<const Leaf> leaves, Measure measure, std::size_t top) {
    if (leaves.empty() || leaves[0].codes.empty() || top == 0) return {};
    if (measure == Measure::rate && expects_few(leaves))
        return find_causes(hits_of(leaves), Measure::amount, top);
    Search s;
    s.measure = measure;
    s.leaves = leaves;
    s.dimensions = leaves[0].codes.size();
    // Where little is expected every cell gets a bit of the prior, so that what appears from
    // nothing has something to be compared with.
    const bool few = measure == Measure::amount && expects_few(leaves);
    const double prior = few ? kPrior / static_cast<double>(leaves.size()) : 0;
    if (few) s.least = 1e-9;
    for (const Leaf &leaf : leaves) {
        if (leaf.codes.size() != s.dimensions) {
            throw Error("22023", "all segments must have the same dimensions");
        }
        s.cells.push_back(sums_of(leaf, measure, prior));
        s.all += s.cells.back();
    }
    for (std::size_t a = 0; a < s.dimensions; ++a) {
        search_dimension(s, a);
        for (std::size_t b = a + 1; b < s.dimensions; ++b) search_pair(s, a, b);
    }
    if (s.found.empty()) return {};
    const auto best = std::max_element(s.found.begin(), s.found.end(),
                                       [](auto &a, auto &b) { return a.gain < b.gain; });
    const double phi = dispersion(s, *best);
    for (Cause &c : s.found) {
        c.gain = c.gain / phi - kPrice * static_cast<double>(c.elements.size() - 1);
    }
    std::sort(s.found.begin(), s.found.end(), [](auto &a, auto &b) { return a.gain > b.gain; });
    s.found.erase(
        std::find_if(s.found.begin(), s.found.end(), [](auto &c) { return c.gain < kLeastGain; }),
        s.found.end());
    if (s.found.size() > top) s.found.resize(top);
    return std::move(s.found);
}

}  // namespace kpi::detect
