#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "pg/lock.hpp"
#include "pg/safely.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"
#include "pg/statement.hpp"
#include "pg/time_limit.hpp"
#include "report/numbers.hpp"
#include "reporting/contents.hpp"
#include "reporting/parts.hpp"

namespace kpi::reporting {
namespace {

constexpr int64_t kMostBytes = 50'000'000;  // of all rows as text
constexpr size_t kCell = 25;  // bytes that a cell counts besides: empty ones take memory, too

std::optional<Date> day_of_report;

// While a statement of a user's asks for it.
class Day {
public:
    explicit Day(Date day) { day_of_report = day; }
    ~Day() { day_of_report.reset(); }
    Day(const Day &) = delete;
    Day &operator=(const Day &) = delete;
};

struct Shown {
    report::Type type = report::Type::text;
    std::string sql;  // of the cell
};

// By the OIDs of PostgreSQL's own types, which never change.
Shown shown_as(ObjectId type, const std::string &cell) {
    constexpr uint32_t kInt8 = 20, kInt2 = 21, kInt4 = 23, kFloat4 = 700, kFloat8 = 701,
                       kMoney = 790, kNumeric = 1700, kDate = 1082, kBool = 16;
    switch (type.value) {
        case kInt2:
        case kInt4:
        case kInt8:
        case kNumeric:
            return {report::Type::number, cell};
        case kFloat4:
        case kFloat8:
        case kMoney:
            return {report::Type::number, cell + "::pg_catalog.numeric"};
        case kDate:
            return {report::Type::date,
                    fmt::format("CASE WHEN pg_catalog.isfinite({0}) THEN {0} END", cell)};
        case kBool:
            return {report::Type::text, cell + "::pg_catalog.text"};
        default:
            return {report::Type::text, cell};
    }
}

struct Question {
    std::string sql;
    report::Table table;  // no rows yet
    bool ordered = false;
};

// Rows beyond the first too many are not asked for; nor is what comes after too many bytes.
Question question_of(const OwnSql &own) {
    const std::string select = pg::single_select(own.sql);
    std::vector<report::Column> columns;
    std::vector<std::string> cells, names, sizes;
    for (const pg::Output &output : pg::outputs_of(select)) {
        const std::string name = fmt::format("c{}", columns.size() + 1);
        const Shown shown = shown_as(output.type, "y." + name);
        columns.push_back({output.name, output.name, shown.type, {}});
        cells.push_back(shown.sql);
        names.push_back(name);
        sizes.push_back(fmt::format(
            "coalesce(pg_catalog.octet_length(x.{}::pg_catalog.text), 0)::pg_catalog.int8", name));
    }
    Question out;
    out.table = report::Table(std::move(columns));
    out.ordered = pg::is_ordered(select);
    sizes.push_back(std::to_string(kCell * cells.size()));
    out.sql = fmt::format(
        "SELECT {0}, y.whole FROM (SELECT x.*, {1} AS own, pg_catalog.sum({1}) OVER (ROWS "
        "UNBOUNDED PRECEDING) AS whole FROM ({2}\n) x({3}) LIMIT {4}) y WHERE y.whole - y.own <= "
        "{5}",
        fmt::join(cells, ", "), fmt::join(sizes, " + "), select, fmt::join(names, ", "),
        own.max_rows + 1, kMostBytes);
    return out;
}

std::optional<Error> too_much(const Table &found, const OwnSql &own) {
    if (int64_t(found.rows.size()) > own.max_rows)
        return Error("54000",
                     fmt::format("the sql of the report returns more than {} rows", own.max_rows),
                     {}, "Aggregate, or give it another max_rows: at most 100000.");
    if (!found.empty() && std::stoll(found.rows.back().back().value_or("0")) > kMostBytes)
        return Error("54000", "the sql of the report returns more than 50 MB", {},
                     "Aggregate. Each cell counts 25 bytes besides its text.");
    return std::nullopt;
}

// As many decimals in a column as the number with the most: points stand below each other.
void align_decimals(report::Table &table) {
    for (size_t column = 0; column < table.columns.size(); ++column) {
        if (table.columns[column].type != report::Type::number) continue;
        int most = 0;
        for (size_t row = 0; row < table.rows(); ++row)
            if (const auto number = report::finite(table.cell(row, column)))
                most = std::max(most, report::decimals_of({}, *number));
        table.columns[column].format.decimals = most;
    }
}

report::Table rows_of(const OwnSql &own, Date day) {
    report::Table out;
    const ObjectId owner = pg::current_role();
    const std::string here = zone();
    std::optional<Error> refused;
    const auto mishap = pg::run_safely([&] {
        // Bytes that depend on nothing but the rows.
        const pg::LocalSettings fixed{{{"TimeZone", here},
                                       {"DateStyle", "ISO, YMD"},
                                       {"IntervalStyle", "postgres"},
                                       {"extra_float_digits", "1"},
                                       {"bytea_output", "hex"},
                                       {"lc_monetary", "C"},
                                       {"lc_numeric", "C"},
                                       {"lc_time", "C"},
                                       {"row_security", "on"}}};
        const Day of_report(day);
        const pg::RunAs as_owner(owner, pg::Restriction::reading);
        Question question = question_of(own);
        Table found = pg::query(question.sql, {}, {.access = pg::Access::read_only});
        refused = too_much(found, own);
        if (refused) return;
        if (!question.ordered) std::sort(found.rows.begin(), found.rows.end());
        for (const Row &row : found.rows) {
            pg::obey_cancel();
            for (size_t i = 0; i + 1 < row.size(); ++i) question.table.add(row[i]);
        }
        align_decimals(question.table);
        out = std::move(question.table);
    });
    if (refused) throw Error(*refused);
    if (!mishap) return out;
    throw Error(mishap->over ? "54000" : mishap->sqlstate,
                "the sql of the report failed: " + mishap->message, {},
                mishap->over ? "kpi.check_timeout says how long it may take." : "");
}

}  // namespace

report::Document own(const Edition &edition, const Scope &scope) {
    const OwnSql &what = scope.own.value();
    report::Document out = heading(edition, {});
    if (!scope.title.empty()) out.title = scope.title;
    out.data = rows_of(what, edition.to);
    return out;
}

report::Document with_rows(const report::Document &document) {
    report::Document out = document;
    report::Section rows{"data", phrase("data"), {}};
    if (document.data->rows() == 0)
        rows.blocks.emplace_back(report::Text(phrase("no_values")));
    else
        rows.blocks.emplace_back(*document.data);
    out.sections.push_back(std::move(rows));
    return out;
}

Date report_day() { return day_of_report ? *day_of_report : yesterday(); }

}  // namespace kpi::reporting
