#include "engine/registry/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "core/error.hpp"
#include "core/similar_names.hpp"

namespace kpi::engine {
namespace {

constexpr size_t kMaxFormula = 100'000;  // bytes, after nested metrics are written out
constexpr size_t kMaxDepth = 32;         // of metrics over metrics
constexpr size_t kMaxCompiled = 256;     // compiled formulas remembered per session

using Rows = std::map<std::string, MetricRow>;

constexpr const char *kColumns =
    "SELECT m.name, m.formula, m.owner::pg_catalog.oid, m.measure, "
    "coalesce(s.source, c.source) FROM kpi.metric m LEFT JOIN kpi.measure s ON s.name = m.measure "
    "LEFT JOIN kpi.counted c ON c.name = m.measure ";

std::vector<MetricRow> to_rows(const Table &table) {
    std::vector<MetricRow> out;
    for (const Row &row : table.rows) {
        MetricRow metric{*row[0], *row[1], ObjectId{uint32_t(std::stoul(*row[2]))}, std::nullopt};
        if (row[3]) metric.measure = MeasureUse{*row[3], *row[4], pg::Reading::value, 0};
        out.push_back(std::move(metric));
    }
    return out;
}

// The metrics and, level by level, those their formulas name. Names that do not exist are left out.
Rows load_closure(const std::vector<std::string> &names) {
    Rows rows;
    std::vector<std::string> wanted = names;
    for (size_t depth = 0; !wanted.empty(); ++depth) {
        if (depth > kMaxDepth)
            throw Error("54001", fmt::format("metrics are nested more than {} deep", kMaxDepth));
        std::vector<std::string> next;
        for (MetricRow &row : metric_rows(wanted, pg::Access::read_only)) {
            if (!row.measure)
                for (const auto &used : pg::formula_names(row.formula)) next.push_back(used.name);
            rows.emplace(row.name, std::move(row));
        }
        std::erase_if(next, [&](const std::string &name) { return rows.contains(name); });
        std::sort(next.begin(), next.end());
        next.erase(std::unique(next.begin(), next.end()), next.end());
        wanted = std::move(next);
    }
    return rows;
}

const MetricRow &row_of(const Rows &rows, const std::string &name) {
    if (const auto found = rows.find(name); found != rows.end()) return found->second;
    throw Error("42704", fmt::format("metric \"{}\" does not exist", name), {},
                near_names(name, pg::Access::read_only));
}

// The formula with every metric replaced by its own, down to measures.
std::string flatten(const Rows &rows, const MetricRow &row, size_t depth) {
    if (row.measure) return pg::quote(row.measure->name);
    if (depth > kMaxDepth)
        throw Error("42P17", fmt::format("metric \"{}\" refers to itself", row.name));
    std::string out;
    size_t done = 0;
    for (const auto &used : pg::formula_names(row.formula)) {
        out += row.formula.substr(done, size_t(used.offset) - done);
        // The line feed ends a comment that the nested formula may close with.
        out += "(" + flatten(rows, row_of(rows, used.name), depth + 1) + "\n)";
        done = size_t(used.offset + used.length);
        if (out.size() > kMaxFormula)
            throw Error("54000",
                        fmt::format("metric \"{}\" is longer than {} bytes when written out",
                                    row.name, kMaxFormula));
    }
    return out + row.formula.substr(done);
}

struct Compiled {
    pg::CompiledFormula formula;
    std::vector<pg::FormulaOperand> measures;
};

Compiled compile(const std::string &flat) {
    Compiled out;
    out.measures = pg::formula_operands(flat);
    out.formula = pg::compile_formula(flat, out.measures);
    return out;
}

// Compiling takes longer than a short query runs, and depends on nothing but the text.
const Compiled &compiled(const std::string &flat) {
    static std::unordered_map<std::string, Compiled> cache;
    if (const auto found = cache.find(flat); found != cache.end()) return found->second;
    Compiled fresh = compile(flat);
    if (cache.size() >= kMaxCompiled) cache.clear();
    return cache.emplace(flat, std::move(fresh)).first->second;
}

Metric build(const Rows &rows, const MetricRow &row) {
    const Compiled &done = compiled(flatten(rows, row, 0));
    Metric metric{row.name, row.owner, done.formula, {}, {}};
    for (const pg::FormulaOperand &used : done.measures) {
        const std::string &source = rows.at(used.name).measure->source;
        metric.measures.push_back({used.name, source, used.reading, used.argument});
        if (std::find(metric.sources.begin(), metric.sources.end(), source) == metric.sources.end())
            metric.sources.push_back(source);
    }
    return metric;
}

// False: a metric that this one needs went with its source.
bool is_whole(const Rows &rows, const MetricRow &row) {
    if (row.measure) return true;
    const auto used = pg::formula_names(row.formula);
    return std::all_of(used.begin(), used.end(), [&](const pg::FormulaName &name) {
        const auto found = rows.find(name.name);
        return found != rows.end() && is_whole(rows, found->second);
    });
}

}  // namespace

std::vector<MetricRow> metric_rows(const std::vector<std::string> &names, pg::Access access) {
    static const std::string sql = std::string(kColumns) + "WHERE m.name = ANY ($1)";
    return to_rows(pg::query(sql, {names}, {.access = access, .keep = pg::Keep::yes}));
}

std::vector<std::string> measures_of(const std::string &source) {
    const Table found = pg::query(
        "SELECT name FROM kpi.measure WHERE source = $1 UNION ALL "
        "SELECT name FROM kpi.counted WHERE source = $1 ORDER BY name",
        {source}, {.see = pg::See::latest});
    std::vector<std::string> out;
    for (const Row &row : found.rows) out.push_back(*row[0]);
    return out;
}

std::vector<std::string> metrics_over(const std::vector<std::string> &measures) {
    const Table formulas = pg::query("SELECT name, formula FROM kpi.metric WHERE measure IS NULL",
                                     {}, {.see = pg::See::latest});
    std::set<std::string> known(measures.begin(), measures.end());
    std::set<std::string> found;
    for (size_t before = known.size() + 1; before != known.size();) {
        before = known.size();
        for (const Row &row : formulas.rows)
            for (const auto &used : pg::formula_names(*row[1]))
                if (known.contains(used.name)) {
                    known.insert(*row[0]);
                    found.insert(*row[0]);
                }
    }
    return {found.begin(), found.end()};
}

std::string near_names(const std::string &name, pg::Access access) {
    const Table all =
        pg::query("SELECT name FROM kpi.metric ORDER BY name", {}, {.access = access});
    std::vector<std::string> names;
    for (const Row &row : all.rows) names.push_back(*row[0]);
    const std::string near = kpi::near(name, names);
    if (!near.empty()) return "Perhaps you mean " + near + ".";
    return "SELECT name FROM kpi.metric lists them.";
}

std::vector<Metric> load_metrics(const std::vector<std::string> &names) {
    const Rows rows = load_closure(names);
    std::vector<Metric> out;
    out.reserve(names.size());
    for (const std::string &name : names) out.push_back(build(rows, row_of(rows, name)));
    return out;
}

std::vector<Metric> load_readable_metrics() {
    const pg::Options options{.access = pg::Access::read_only};
    const Table all = pg::query("SELECT name FROM kpi.metric ORDER BY name", {}, options);
    std::vector<std::string> names;
    for (const Row &row : all.rows) names.push_back(*row[0]);
    const Table readable = pg::query(
        "SELECT name FROM kpi.source WHERE pg_catalog.has_table_privilege(facts, 'SELECT')", {},
        options);
    const Rows rows = load_closure(names);
    std::vector<Metric> metrics;
    for (const auto &[name, row] : rows)
        if (is_whole(rows, row)) metrics.push_back(build(rows, row));
    std::erase_if(metrics, [&](const Metric &metric) {
        return !std::all_of(
            metric.sources.begin(), metric.sources.end(), [&](const std::string &source) {
                return std::any_of(readable.rows.begin(), readable.rows.end(),
                                   [&](const Row &row) { return *row[0] == source; });
            });
    });
    return metrics;
}

}  // namespace kpi::engine
