#include "web/files.hpp"

#include <fmt/format.h>

#include "core/digest.hpp"
#include "web/http_error.hpp"
#include "web/sql_text.hpp"

namespace kpi::web {

Response report_file(const Reply &reply) {
    if (reply.error) throw refusal(*reply.error);
    if (reply.row.size() < 3 || !reply.row[2])
        throw HttpError(404, "not_found", "there is no such report");
    Response out = text_response(200, from_hex(*reply.row[2]),
                                 reply.row[0].value_or("application/octet-stream"));
    std::string name = reply.row[1].value_or("report");
    // The name stands between quotes in a header.
    std::erase_if(name, [](char c) {
        return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 ||
               static_cast<unsigned char>(c) > 0x7e;
    });
    out.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + name + "\"");
    return out;
}

Plan export_plan(Parameters &parameters) {
    const std::string format = parameters.choice("format", {"csv", "xlsx", "json"}, "csv");
    const auto metrics = parameters.list("metric", "revenue");
    const std::string start = parameters.text("start_date", "7d");
    const auto end = parameters.text("end_date");
    const std::string grain = parameters.choice(
        "grain", {"hour", "day", "week", "month", "quarter", "year", "total"}, "day");
    const auto compare =
        parameters.choice("compare", {"previous", "same_weekday", "week", "month", "year"});
    const auto by = parameters.list("by", "");
    const std::string filters = filters_of(parameters);
    parameters.refuse_others();
    if (by.size() > 8)
        throw HttpError(400, "bad_parameter", "by: more than 8 dimensions", {}, "by");
    std::string dimensions;
    std::vector<std::optional<std::string>> values{array_text(metrics), start, end,    filters,
                                                   array_text(by),      grain, compare};
    for (const std::string &name : by) {
        values.emplace_back(name);
        dimensions += fmt::format(", q.segment ->> ${} AS {}", values.size(), identifier(name));
    }
    const std::string compared = compare ? ", q.compared" : "";
    return Download{{fmt::format("SELECT q.day, q.bucket{}, q.metric, q.value{}, q.is_complete "
                                 "FROM kpi.query($1::text[], $2, $3, $4::jsonb, "
                                 "$5::name[], $6, $7, max_rows => 1000000, expected => false) q",
                                 dimensions, compared),
                     std::move(values),
                     {"BEGIN READ ONLY", "SET LOCAL statement_timeout = 300000"},
                     false},
                    format,
                    "kpis"};
}

}  // namespace kpi::web
