// What metrics are to reach (kpi.target), shown in figures and charts. Needs what contents.hpp
// needs; targets are those of the scope's filters.
#pragma once

#include <map>

#include "reporting/figures.hpp"

namespace kpi::reporting {

// Of each day. Where days add up, a period's value is shared out by the usual weekdays of the eight
// weeks before it: that is its pace.
class Targets {
public:
    Targets(const Scope &scope, const std::string &metric, bool adds_up, Date from, Date to);

    // Of a whole period; nullopt: some of its days have none.
    Cell of(Date first, Date last) const;
    // Draws them into a chart of days or months.
    void draw(report::Chart &chart) const;
    // Says how far those are that go on after the day.
    void say_pace(report::Document &document, Date day) const;

private:
    struct Going {
        Date first, last;
        Cell value;
    };
    Cell sum(Date first, Date last) const;
    void share_out(const Going &target);

    const Scope &scope_;
    std::string metric_;
    bool adds_up_;
    std::vector<Going> targets_;
    std::map<int32_t, std::string> days_;  // by Date::days
};

// All of it, for a document whose figures and charts are there.
void add_targets(const Scope &scope, const std::map<std::string, Total> &totals, Date first,
                 Date last, report::Document &document);

}  // namespace kpi::reporting
