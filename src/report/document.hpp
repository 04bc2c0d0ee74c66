// What a report says, before anything decides how it looks: no markup, no language but the one it
// is to be written in. Filled by whoever has the numbers; read by the writers.
//
// What is left empty is left out of the report. Days are days of the report's zone, times its wall
// clock. The same document is the same bytes: nothing in it may come from the clock.
#pragma once

#include "report/table.hpp"

namespace kpi::report {

// Whether more of a metric is good news: colours and arrows, never the sign.
enum class Better : uint8_t { more, less, neither };

struct Metric {
    std::string name;   // in kpi.metric
    std::string title;  // for people; empty: the name
    Format format = {};
    Better better = Better::neither;
};

struct Interval {
    Decimal low, high;
};

// What a figure is compared with, and in whose words: "vs Tue 5 Mar".
struct Comparison {
    Text against;
    std::optional<Decimal> before;
};

// The period that is still open: never compared with whole ones.
struct Pace {
    Decimal value;                         // so far
    std::optional<Decimal> expected = {};  // by this time
    std::optional<Interval> range = {};    // of what is expected by this time
};

struct Target {
    Decimal value;                    // for the whole period
    std::optional<Decimal> due = {};  // by this time; empty: all of it
};

// A headline figure. Its change is worked out from value and before.
struct Figure {
    std::string metric;  // the name of one of Document::metrics
    std::optional<Decimal> value = {};
    std::vector<Comparison> comparisons = {};  // the first is the headline's
    std::optional<Interval> expected = {};
    std::optional<Pace> pace = {};
    std::optional<Decimal> share = {};  // of the whole, per cent
    std::optional<Target> target = {};
    std::vector<std::optional<Decimal>> trend = {};  // sparkline, oldest first, value last
    std::optional<Text> why = {};
};

// One bucket of a chart; `day` is its first day.
struct Point {
    Date day;
    std::optional<Decimal> value = {};
    std::optional<Decimal> low = {}, high = {};  // of what was expected, or is forecast
    std::optional<Decimal> before = {};          // the bucket it is compared with
    std::optional<Decimal> target = {};
    bool open = false;  // not over yet, or forecast
};

enum class Scale : uint8_t { day, week, month };
enum class Shape : uint8_t { line, bars };

// A metric over time. The numbers follow it as a table in every format.
struct Chart {
    Text title;
    std::string metric;
    Scale scale = Scale::day;
    Shape shape = Shape::line;
    std::vector<Point> points = {};
    std::optional<Text> note = {};
    std::optional<Text> before = {};  // names Point::before: "the four weeks before"
};

struct Bar {
    std::string label;  // a segment, as the database names it
    std::optional<Decimal> value = {}, before = {};
    std::optional<Decimal> share = {};  // of the total, per cent
};

// A metric by segment. `rest` is what the segments shown leave out.
struct Ranking {
    Text title;
    std::string metric;
    std::vector<Bar> bars = {};
    std::optional<Bar> rest = {};
    std::optional<Text> note = {};
};

enum class Severity : uint8_t { info, warning, critical };

struct Event {
    Severity severity = Severity::info;
    std::string title;
    Local began = {};
    std::optional<Local> ended = {};     // empty: still open
    std::optional<Seconds> lasted = {};  // of real time, which a clock change does not alter
    std::string owner = {}, note = {};
};

// Incidents, or what the calendar knows.
struct Events {
    Text title;
    std::vector<Event> events = {};
    std::optional<Text> none = {};  // said when there are none; empty: nothing is said
};

using Block = std::variant<Text, Table, Chart, Ranking, Events>;

struct Section {
    std::string id;  // letters, digits, hyphens: anchor and name of a sheet
    Text title;
    std::vector<Block> blocks = {};
};

struct Definition {
    std::string metric;   // name
    std::string formula;  // as kpi.metric has it
    std::string description = {};
};

struct Link {
    Text label;
    std::string url;  // http or https; any other is not written
};

// The day that is under way: "Today so far (8 h, 31 %)".
struct OpenPeriod {
    Period period;
    Local until = {};
    Decimal elapsed_percent;
};

struct Document {
    std::string name;  // daily, weekly, monthly, or the name of a report of a user's
    Text title;
    std::optional<Text> only = {};  // what its filters leave
    std::string environment = {};   // "prod"; empty: not said
    Language language = Language::english;
    Period period = {};
    std::optional<Period> against = {};
    Date as_of = {};
    std::optional<Local> data_until = {};  // how far the data reaches: must come from the data
    std::string zone = {};
    int version = 1;  // above 1 it restates an earlier one, and says so

    std::vector<Metric> metrics = {};
    std::vector<Text> notes = {};    // before all numbers: what is late, missing or failing
    std::vector<Text> summary = {};  // sentences
    std::vector<Figure> figures = {};
    std::optional<OpenPeriod> open = {};
    std::vector<Section> sections = {};
    std::optional<Table> data = {};  // what csv writes
    std::vector<Definition> definitions = {};
    std::vector<Link> links = {};
};

// The metric of that name. Errors: 22023 when the document has none.
const Metric &metric_of(const Document &document, std::string_view name);
// Its title, or its name.
const std::string &title_of(const Metric &metric);

}  // namespace kpi::report
