// Names of sheets as spreadsheets allow them.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace kpi::report {

class SheetNames {
public:
    // At most 31 characters, without []:*?/\ and without an apostrophe at an end, and none twice,
    // whatever the case of its letters: a second one ends in " 2".
    std::string next(std::string_view title);

private:
    std::set<std::string> taken_;
};

}  // namespace kpi::report
