#include "core/similar_names.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace kpi {

size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t(0));
    for (size_t i = 0; i < a.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.size(); ++j) {
            const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

std::string near(std::string_view name, const std::vector<std::string> &names) {
    const size_t most = std::max<size_t>(1, name.size() / 3);
    std::vector<std::pair<size_t, std::string>> found;
    for (const std::string &candidate : names) {
        const size_t distance = edit_distance(name, candidate);
        if (distance <= most) found.emplace_back(distance, candidate);
    }
    std::sort(found.begin(), found.end());
    if (found.size() > 3) found.resize(3);
    std::string out;
    for (size_t i = 0; i < found.size(); ++i) {
        if (i > 0) out += i + 1 == found.size() ? " or " : ", ";
        out += "\"" + found[i].second + "\"";
    }
    return out;
}

std::string quoted_list(const std::vector<std::string> &names) {
    std::string out;
    for (const std::string &name : names) out += (out.empty() ? "\"" : ", \"") + name + "\"";
    return out;
}

}  // namespace kpi
