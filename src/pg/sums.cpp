#include "pg/sums.hpp"

#include <algorithm>

#include "pg/expression.hpp"
#include "pg/guard.hpp"
#include "pg/run.hpp"
#include "pg/sum_table.hpp"

namespace kpi::pg {
namespace {

bool has_rows(const SumTable *table, uint32 cell) {
    const int64 *counts = table->cell_counts + size_t(cell) * size_t(table->parts);
    return std::any_of(counts, counts + table->parts, [](int64 count) { return count != 0; });
}

void make_labels(SumTable *table, const std::vector<uint32_t> &groups, const SumColumns &columns) {
    std::vector<ObjectId> types;
    types.reserve(size_t(columns.keys));
    for (int k = 0; k < columns.keys; ++k)
        types.push_back({TupleDescAttr(table->row, k + 1)->atttypid});
    Expression expression(columns.label, types);
    table->label = call([&] {
        return static_cast<Datum *>(MemoryContextAllocHuge(
            table->context, sizeof(Datum) * (table->groups.count + uint64(1))));
    });
    for (const uint32_t group : groups) {
        const size_t at = size_t(group) * size_t(table->groups.keys);
        table->label[group] = expression.evaluate(table->groups.values + at,
                                                  table->groups.nulls + at, table->context);
    }
}

int compare_labels(const void *a, const void *b, void *arg) {
    const auto *table = static_cast<const SumTable *>(arg);
    const auto label = [&](const void *group) {
        return &DatumGetJsonbP(table->label[*static_cast<const uint32_t *>(group)])->root;
    };
    return compareJsonbContainers(label(a), label(b));
}

}  // namespace

Sums::Sums(std::string_view sql, const Params &params, const Options &options,
           const SumColumns &columns)
    : table_(make_sum_table(columns)) {
    run_into(sql, params, options, &table_->api);
    if (columns.keys == 0) {
        table_->groups.count = 1;
        groups_.push_back(0);
    }
    // Cells by group: counted, then dealt out.
    std::vector<size_t> count(table_->groups.count + 1);
    for (uint32_t cell = 0; cell < table_->cell_count; ++cell)
        if (has_rows(table_, cell)) ++count[table_->cell_group[cell]];
    if (columns.keys > 0)
        for (uint32_t group = 0; group < table_->groups.count; ++group)
            if (count[group] > 0) groups_.push_back(group);
    make_labels(table_, groups_, columns);
    uint32_t *first = groups_.data();
    const size_t many = groups_.size();
    call([&] { qsort_arg(first, many, sizeof(uint32_t), compare_labels, table_); });
    std::vector<size_t> next(table_->groups.count);
    size_t total = 0;
    for (const uint32_t group : groups_) {
        begins_.push_back(total);
        next[group] = total;
        total += count[group];
    }
    begins_.push_back(total);
    cells_.resize(total);
    for (uint32_t cell = 0; cell < table_->cell_count; ++cell)
        if (has_rows(table_, cell)) cells_[next[table_->cell_group[cell]]++] = cell;
}

size_t Sums::groups() const { return groups_.size(); }

Value Sums::label(size_t group) const {
    Value out;
    out.datum = table_->label[groups_[group]];
    out.null = false;
    return out;
}

size_t Sums::begin(size_t group) const { return begins_[group]; }

int32_t Sums::place(size_t cell) const { return table_->cell_place[cells_[cell]]; }

bool Sums::counted(size_t cell, size_t part) const {
    return table_->cell_counts[cells_[cell] * size_t(table_->parts) + part] != 0;
}

Sketch Sums::sketch(size_t cell, size_t value) const {
    const SmallSum &kept = table_->cell_sums[cells_[cell] * size_t(table_->values) + value];
    if (kept.scale != SmallSum::kKept) return {};
    auto *array = reinterpret_cast<ArrayType *>(kept.value);
    const int64 *numbers = reinterpret_cast<const int64 *>(ARR_DATA_PTR(array));
    Sketch out(size_t(ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array))) / 2);
    for (size_t i = 0; i < out.size(); ++i) out[i] = {int32_t(numbers[2 * i]), numbers[2 * i + 1]};
    std::sort(out.begin(), out.end(),
              [](const SketchCount &a, const SketchCount &b) { return a.bucket < b.bucket; });
    return out;
}

Number Sums::value(size_t cell, size_t value) const {
    const SmallSum &sum = table_->cell_sums[cells_[cell] * size_t(table_->values) + value];
    return {call([&] {
        bool null = false;
        const Datum total = to_numeric(sum, &null);
        return null ? Datum(0) : total;
    })};
}

}  // namespace kpi::pg
