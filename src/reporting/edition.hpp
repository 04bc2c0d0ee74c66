// Which report: its name, the days it is about, how and in which language it is written. Plain
// values. Errors: 22023 with a hint.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/dates.hpp"

namespace kpi::reporting {

enum class Kind { daily, weekly, monthly, sql };
std::string_view name(Kind kind);
// A report that everybody has: not sql.
Kind parse_kind(const std::string &word);
// What a plan may be of.
Kind parse_plan_kind(const std::string &word);

struct Edition {
    std::string name;  // of the kind, or of a report of a user's
    Kind kind = Kind::daily;
    Date from, to;  // both included
    std::string format, language;
};

// The days of the edition that ends with the last whole period up to `last`: daily 30 days, weekly
// 7 days, both up to that day; monthly the last month that was over then; sql that day.
void set_days(Edition &edition, Date last);
// What nobody has asked for otherwise.
std::string usual_format(Kind kind);
void demand_form(const std::string &format);
void demand_language(const std::string &language);

// {prefix}/{last day}/kpi_{name}_{last day}.{format}, with the language in front of the format when
// it is not English; numbers alone have none.
std::string object_key(const Edition &edition);
std::string content_type(const Edition &edition);

}  // namespace kpi::reporting
