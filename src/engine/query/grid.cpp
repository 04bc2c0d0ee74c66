#include "engine/query/grid.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "engine/query/groups.hpp"
#include "pg/evaluator.hpp"
#include "pg/memory_bound.hpp"

namespace kpi::engine {
namespace {

// A segment: for every read that has rows, which sources they are of, and the sums.
struct Cells {
    std::vector<int32_t> reads;
    std::vector<std::vector<bool>> sources;     // [source][i]
    std::vector<std::vector<pg::Number>> sums;  // [measure][i]
    std::vector<std::vector<Sketch>> sketches;  // likewise, of percentiles; others have none
};

// What a formula reads of a measure.
struct Operand {
    size_t measure;
    pg::Reading reading;
    double argument;
};

// What a metric needs of the group's arrays.
struct Columns {
    std::vector<size_t> sources;
    std::vector<Operand> operands;
};

class GridReader {
public:
    GridReader(const Group &group, const Plan &plan, RowLimit limit, Top &top)
        : group_(group), plan_(plan), limit_(limit), top_(top), zero_(pg::number(0)) {
        for (const SourceUse &use : group.sources) {
            kinds_.insert(kinds_.end(), use.measures.size(), std::nullopt);
            for (const CountedInfo &measure : use.counted) {
                kinds_.emplace_back(measure.kind);
                scales_.resize(kinds_.size());
                if (measure.error > 0) scales_.back() = SketchScale(measure.error);
            }
        }
        for (const PlannedBucket &planned : plan.buckets)
            read_count_ = std::max({read_count_, planned.read + 1, planned.pair + 1});
        for (const PlannedBucket &planned : plan.lead)
            read_count_ = std::max(read_count_, planned.read + 1);
        for (const int32_t read : plan.weeks) read_count_ = std::max(read_count_, read + 1);
        cell_reads_ = read_count_;
        for (const int32_t read : plan.presence) read_count_ = std::max(read_count_, read + 1);
        for (const Metric &metric : group.metrics) {
            Columns columns;
            for (const std::string &source : metric.sources)
                columns.sources.push_back(source_place(group, source));
            for (const MeasureUse &measure : metric.measures)
                columns.operands.push_back(
                    {measure_place(group, measure.name), measure.reading, measure.argument});
            columns_.push_back(std::move(columns));
            overlaps_.push_back(uses_distinct(columns_.back()));
            evaluators_.emplace_back(metric.formula, metric.measures.size());
            operands_.clear();
            for (const Operand &operand : columns_.back().operands)
                operands_.push_back(nothing(operand.measure));
            empty_.push_back(evaluators_.back()(operands_));
        }
    }

    Grid read() {
        // Parts of the rows say nothing about whether a week had any at all.
        const bool apart = !plan_.weeks.empty() && (segmented() || !group_.filters.empty());
        if (apart) find_present_weeks();
        const Statement statement =
            cells_statement(group_, apart ? part_of(plan_, 0, cell_reads_) : plan_);
        if (!statement.sql.empty()) {
            const pg::Sums sums(statement.sql, statement.params, kRead, statement.columns);
            bound_.add(sums.begin(sums.groups()) * sizeof(uint32_t));
            if (top_.count > 0)
                add_top(sums);
            else
                for (size_t i = 0; i < sums.groups(); ++i) add_segment(sums, i);
        } else if (group_.by.empty()) {
            place_cells({});
            add_series(pg::jsonb_value("{}"));
        }
        return std::move(grid_);
    }

private:
    bool segmented() const { return !group_.by.empty(); }

    bool uses_distinct(const Columns &columns) const {
        return std::any_of(columns.operands.begin(), columns.operands.end(),
                           [&](const Operand &operand) {
                               return kinds_[operand.measure] == CountedKind::distinct;
                           });
    }

    // What a measure is where it has no rows: no value is the least or the greatest of none.
    pg::Number nothing(size_t measure) const {
        const bool is_number = !kinds_[measure] || kinds_[measure] == CountedKind::distinct;
        return is_number ? zero_ : pg::Number{};
    }

    bool is_sketch(size_t measure) const { return kinds_[measure] == CountedKind::percentiles; }

    // Percentiles by themselves are their median.
    pg::Number number_of(const Operand &operand, const Sketch &sketch) const {
        const SketchScale &scale = scales_[operand.measure];
        const auto found =
            operand.reading == pg::Reading::share_below
                ? share_below(sketch, scale, operand.argument)
                : percentile(sketch, scale,
                             operand.reading == pg::Reading::value ? 0.5 : operand.argument);
        return found ? pg::from_double(*found) : pg::Number{};
    }

    pg::Number number_of(const Operand &operand, int32_t place) const {
        if (is_sketch(operand.measure))
            return number_of(operand, cells_.sketches[operand.measure][size_t(place)]);
        const pg::Number sum = cells_.sums[operand.measure][size_t(place)];
        return sum ? sum : nothing(operand.measure);
    }

    // A measure of two sets of segments that have none in common; NULL: it has no value in one of
    // them.
    pg::Number both(size_t measure, pg::Number a, pg::Number b) const {
        if (!a || !b) return a ? a : b;
        if (nothing(measure) || is_timed(*kinds_[measure])) return pg::sum(a, b);
        const bool greatest = kinds_[measure] == CountedKind::maximum;
        return (pg::compare(a, b) < 0) == greatest ? b : a;
    }

    // A measure of two sets of buckets, one after the other.
    pg::Number later(size_t measure, pg::Number before, pg::Number after) const {
        if (!before || !after || !kinds_[measure] || !is_timed(*kinds_[measure]))
            return both(measure, before, after);
        return kinds_[measure] == CountedKind::last ? after : before;
    }

    void find_present_weeks() {
        present_.assign(group_.sources.size(), std::vector<bool>(size_t(read_count_)));
        const Statement statement =
            presence_statement(group_, part_of(plan_, cell_reads_, read_count_));
        if (statement.sql.empty()) return;
        const Table table = pg::query(statement.sql, statement.params, kRead);
        for (const Row &row : table.rows)
            for (size_t s = 0; s < group_.sources.size(); ++s)
                present_[s][std::stoul(*row[0])] = row[s + 1] == "t";
    }

    void prepare(Cells &cells, size_t count) const {
        cells.sums.resize(kinds_.size());
        cells.sketches.resize(kinds_.size());
        for (size_t m = 0; m < kinds_.size(); ++m)
            if (is_sketch(m))
                cells.sketches[m].resize(count);
            else
                cells.sums[m].resize(count);
    }

    Cells cells_of(const pg::Sums &sums, size_t segment) const {
        const size_t begin = sums.begin(segment), end = sums.begin(segment + 1);
        Cells cells;
        cells.sources.assign(group_.sources.size(), std::vector<bool>(end - begin));
        prepare(cells, end - begin);
        for (size_t cell = begin; cell < end; ++cell) {
            cells.reads.push_back(sums.place(cell));
            for (size_t s = 0; s < cells.sources.size(); ++s)
                cells.sources[s][cell - begin] = sums.counted(cell, s);
            for (size_t m = 0; m < kinds_.size(); ++m)
                if (is_sketch(m))
                    cells.sketches[m][cell - begin] = sums.sketch(cell, m);
                else
                    cells.sums[m][cell - begin] = sums.value(cell, m);
        }
        return cells;
    }

    void add_segment(const pg::Sums &sums, size_t segment) {
        place_cells(cells_of(sums, segment));
        add_series(sums.label(segment));
    }

    // The first metric over all buckets of the segment at hand.
    pg::Number total() {
        operands_.clear();
        for (const Operand &operand : columns_[0].operands) {
            const size_t measure = operand.measure;
            pg::Number total = nothing(measure);
            Sketch all;
            for (const PlannedBucket &planned : plan_.buckets) {
                const int32_t place = place_[size_t(planned.read)];
                if (place < 0) continue;
                if (is_sketch(measure))
                    all = merged(all, cells_.sketches[measure][size_t(place)]);
                else
                    total = later(measure, total, cells_.sums[measure][size_t(place)]);
            }
            operands_.push_back(is_sketch(measure) ? number_of(operand, all) : total);
        }
        return evaluators_[0](operands_);
    }

    void choose(const pg::Sums &sums) {
        std::vector<std::pair<pg::Number, size_t>> ranks;
        for (size_t segment = 0; segment < sums.groups(); ++segment) {
            place_cells(cells_of(sums, segment));
            if (is_seen(columns_[0])) ranks.emplace_back(total(), segment);
        }
        // What has no value comes last, equals in the order of segments.
        std::stable_sort(ranks.begin(), ranks.end(), [&](const auto &a, const auto &b) {
            if (!a.first || !b.first) return bool(a.first) && !b.first;
            const int order = pg::compare(a.first, b.first);
            return top_.least ? order < 0 : order > 0;
        });
        top_.chosen.emplace();
        for (size_t i = 0; i < ranks.size() && i < top_.count; ++i)
            top_.chosen->insert(pg::jsonb_text(sums.label(ranks[i].second)));
    }

    void add_top(const pg::Sums &sums) {
        if (!top_.chosen) choose(sums);
        Cells rest;
        rest.sources.assign(group_.sources.size(), std::vector<bool>(size_t(read_count_)));
        prepare(rest, size_t(read_count_));
        for (int32_t read = 0; read < read_count_; ++read) rest.reads.push_back(read);
        for (size_t segment = 0; segment < sums.groups(); ++segment) {
            if (top_.chosen->contains(pg::jsonb_text(sums.label(segment))))
                add_segment(sums, segment);
            else
                add_up(rest, cells_of(sums, segment));
        }
        const auto segment =
            pg::value("SELECT jsonb_object_agg(n, 'others') FROM pg_catalog.unnest($1) n",
                      {group_.by}, kRead);
        place_cells(std::move(rest));
        const size_t before = grid_.series.size();
        add_series(pg::jsonb_value(segment.value_or("{}")));
        for (size_t i = before; i < grid_.series.size(); ++i) {
            Series &others = grid_.series[i];
            others.others = true;
            if (overlaps_[others.metric]) forget_values(others);
        }
    }

    // A value in several segments counts once in all of them, which their counts do not say.
    static void forget_values(Series &series) {
        for (auto *values : {&series.values, &series.compared, &series.lead})
            std::fill(values->begin(), values->end(), pg::Number{});
        series.expected = {};
    }

    void add_up(Cells &rest, const Cells &cells) const {
        for (size_t i = 0; i < cells.reads.size(); ++i) {
            const auto read = size_t(cells.reads[i]);
            for (size_t s = 0; s < cells.sources.size(); ++s)
                if (cells.sources[s][i]) rest.sources[s][read] = true;
            for (size_t m = 0; m < cells.sums.size(); ++m) {
                if (is_sketch(m)) {
                    Sketch &all = rest.sketches[m][read];
                    all = merged(all, cells.sketches[m][i]);
                    continue;
                }
                pg::Number &sum = rest.sums[m][read];
                sum = both(m, sum, cells.sums[m][i]);
            }
        }
    }

    void place_cells(Cells cells) {
        cells_ = std::move(cells);
        place_.assign(size_t(read_count_), -1);
        for (size_t i = 0; i < cells_.reads.size(); ++i)
            place_[size_t(cells_.reads[i])] = int32_t(i);
    }

    void add_series(const pg::Value &segment) {
        for (size_t m = 0; m < group_.metrics.size(); ++m) {
            if (segmented() && !is_seen(columns_[m])) continue;
            refuse_too_many();
            Series series;
            series.segment = segment;
            series.metric = m;
            for (const PlannedBucket &planned : plan_.buckets) {
                series.values.push_back(planned.lost ? pg::Number{} : value(m, planned.read));
                if (plan_.compares)
                    series.compared.push_back(planned.pair < 0 ? pg::Number{}
                                                               : value(m, planned.pair));
            }
            for (const PlannedBucket &planned : plan_.lead)
                series.lead.push_back(planned.lost ? pg::Number{} : value(m, planned.read));
            if (!plan_.weeks.empty()) series.expected = expected(m);
            const size_t numbers =
                series.values.size() + series.compared.size() + series.lead.size();
            bound_.add(sizeof(Series) + numbers * sizeof(pg::Number));
            grid_.series.push_back(std::move(series));
        }
    }

    void refuse_too_many() const {
        const auto rows = int64_t(plan_.buckets.size()) * int64_t(grid_.series.size() + 1);
        if (rows <= limit_.left) return;
        throw Error("54000", fmt::format("the result has more than max_rows = {} rows", limit_.all),
                    {},
                    "Ask for a shorter range, a longer grain, fewer dimensions or the top ones, or "
                    "raise max_rows (NULL: no limit).");
    }

    bool has_rows(const Columns &columns, int32_t read) const {
        const int32_t place = place_[size_t(read)];
        return place >= 0 &&
               std::any_of(columns.sources.begin(), columns.sources.end(),
                           [&](size_t s) { return cells_.sources[s][size_t(place)]; });
    }

    bool is_seen(const Columns &columns) const {
        if (plan_.every_segment) return true;
        return std::any_of(
            plan_.buckets.begin(), plan_.buckets.end(),
            [&](const PlannedBucket &planned) { return has_rows(columns, planned.read); });
    }

    pg::Number value(size_t metric, int32_t read) {
        const int32_t place = place_[size_t(read)];
        if (place < 0) return empty_[metric];
        operands_.clear();
        for (const Operand &operand : columns_[metric].operands)
            operands_.push_back(number_of(operand, place));
        return evaluators_[metric](operands_);
    }

    bool is_present(const Columns &columns, int32_t read) const {
        if (present_.empty()) return has_rows(columns, read);
        return std::any_of(columns.sources.begin(), columns.sources.end(),
                           [&](size_t s) { return present_[s][size_t(read)]; });
    }

    pg::Number expected(size_t metric) {
        std::vector<pg::Number> found;
        for (size_t i = 0; i < plan_.weeks.size(); ++i) {
            if (!is_present(columns_[metric], plan_.presence[i])) continue;
            if (const pg::Number past = value(metric, plan_.weeks[i])) found.push_back(past);
        }
        if (int(found.size()) < kExpectedAtLeast) return {};
        std::sort(found.begin(), found.end(),
                  [](pg::Number a, pg::Number b) { return pg::compare(a, b) < 0; });
        return pg::mean(found[(found.size() - 1) / 2], found[found.size() / 2]);
    }

    const Group &group_;
    const Plan &plan_;
    RowLimit limit_;
    Top &top_;
    pg::MemoryBound bound_;
    pg::Number zero_;
    std::vector<std::optional<CountedKind>> kinds_;  // by measure; none: a sum
    std::vector<SketchScale> scales_;                // by measure
    int read_count_ = 0;
    int cell_reads_ = 0;                      // those after them only show presence
    std::vector<Columns> columns_;            // by metric
    std::vector<bool> overlaps_;              // by metric: a value may be in several segments
    std::vector<pg::Evaluator> evaluators_;   // by metric
    std::vector<pg::Number> empty_;           // what a metric is without rows
    std::vector<std::vector<bool>> present_;  // [source][read]
    Cells cells_;                             // of the segment at hand
    std::vector<int32_t> place_;              // of a read in them; -1: none
    std::vector<pg::Number> operands_;
    Grid grid_;
};

}  // namespace

Grid read_grid(const Group &group, const Plan &plan, RowLimit limit, Top &top) {
    return GridReader(group, plan, limit, top).read();
}

}  // namespace kpi::engine
