#include "reporting/edition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/similar_names.hpp"

namespace kpi::reporting {
namespace {

struct Form {
    std::string_view name, type, ending;
};
constexpr std::array kForms = {
    Form{"csv", "text/csv; charset=utf-8", "csv"},
    Form{"text", "text/plain; charset=utf-8", "txt"},
    Form{"json", "application/json", "json"},
    Form{"html", "text/html; charset=utf-8", "html"},
    Form{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
};
constexpr std::array<std::string_view, 4> kKinds = {"daily", "weekly", "monthly", "sql"};

const Form *form(std::string_view name) {
    const auto *found = std::find_if(kForms.begin(), kForms.end(),
                                     [&](const Form &one) { return one.name == name; });
    return found == kForms.end() ? nullptr : found;
}

Date first_day(Kind kind, Date last) {
    constexpr int kDaily = 30, kWeekly = 7;
    if (kind == Kind::daily) return last + (1 - kDaily);
    if (kind == Kind::weekly) return last + (1 - kWeekly);
    if (kind == Kind::sql) return last;
    Civil month = civil(last);
    month.day = 1;
    return date(month);
}

// The last day of a month that is over with this one.
Date month_end(Date last) {
    const bool is_last = civil(last + 1).day == 1;
    return is_last ? last : last + -civil(last).day;
}

}  // namespace

std::string_view name(Kind kind) { return kKinds[size_t(kind)]; }

Kind parse_kind(const std::string &word) {
    const auto *found = std::find(kKinds.begin(), kKinds.end(), word);
    if (found != kKinds.end() && word != name(Kind::sql)) return Kind(found - kKinds.begin());
    throw Error("22023", fmt::format("there is no report \"{}\"", word), {},
                "The reports are daily, weekly, monthly and those of kpi.report_plan.");
}

Kind parse_plan_kind(const std::string &word) {
    const auto *found = std::find(kKinds.begin(), kKinds.end(), word);
    if (found != kKinds.end()) return Kind(found - kKinds.begin());
    throw Error("22023", fmt::format("a report cannot be of kind \"{}\"", word), {},
                "The kinds are daily, weekly, monthly and sql.");
}

void set_days(Edition &edition, Date last) {
    const Date earliest = date({1900, 1, 1}), latest = date({2999, 12, 31});
    if (last < earliest || last > latest)
        throw Error("22023",
                    fmt::format("as_of must be between {} and {}", iso(earliest), iso(latest)));
    edition.to = edition.kind == Kind::monthly ? month_end(last) : last;
    edition.from = first_day(edition.kind, edition.to);
}

std::string usual_format(Kind kind) {
    return kind == Kind::daily || kind == Kind::sql ? "csv" : "html";
}

void demand_form(const std::string &format) {
    if (form(format) != nullptr) return;
    std::vector<std::string> names;
    names.reserve(std::size(kForms));
    for (const Form &one : kForms) names.emplace_back(one.name);
    throw Error("22023", fmt::format("a report cannot be written as \"{}\"", format), {},
                fmt::format("The formats are {}.", quoted_list(names)));
}

void demand_language(const std::string &language) {
    if (language == "en" || language == "es") return;
    throw Error("22023", fmt::format("a report cannot be written in \"{}\"", language), {},
                "The languages are en and es.");
}

std::string object_key(const Edition &edition) {
    const std::string day = iso(edition.to);
    const bool words = edition.language != "en" && edition.format != "csv";
    return fmt::format("reports/{0}/{1}/kpi_{0}_{1}{2}.{3}", edition.name, day,
                       words ? "." + edition.language : "", form(edition.format)->ending);
}

std::string content_type(const Edition &edition) { return std::string(form(edition.format)->type); }

}  // namespace kpi::reporting
