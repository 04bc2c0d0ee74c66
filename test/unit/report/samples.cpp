#include "unit/report/samples.hpp"

#include <string>

namespace samples {
namespace {

using namespace kpi::report;
using kpi::date;
using kpi::Date;

constexpr const char *kHostile = "<script>alert(1)</script>";

kpi::Local at(Date day, int hour, int minute) {
    return {kpi::midnight(day).microseconds + (hour * 60 + minute) * 60 * kpi::kSecond};
}

std::vector<Metric> metrics() {
    return {{"leads", "Leads", {}, Better::more},
            {"revenue", "Revenue", {Style::money, "EUR"}, Better::more},
            {"conversion_pct", "Conversion", {Style::percent}, Better::more},
            {"refunds", "Refunds", {}, Better::less},
            {"payments_success_rate", "Payments success", {Style::percent}, Better::more}};
}

// Repeats over seven days, and grows: no random numbers, no library's cosine.
int wave(int i, int base) {
    constexpr int kShape[7] = {0, 6, 9, 8, 12, -14, -21};
    return base + base * kShape[((i % 7) + 7) % 7] / 100 + base * i / 400;
}

std::vector<std::optional<Decimal>> trend(int count, int base) {
    std::vector<std::optional<Decimal>> out;
    for (int i = 0; i < count; ++i) out.emplace_back(std::to_string(wave(i, base)));
    return out;
}

Chart chart(const std::string &metric, const std::string &title, Date first, int days, int base) {
    Chart out{Phrase{"trend_of", {{"metric", title}}}, metric};
    out.before = Phrase{"versus_days_before", {{"count", int64_t{days}}}};
    for (int i = 0; i < days; ++i)
        out.points.push_back({.day = first + i,
                              .value = std::to_string(i == 9 ? base / 2 : wave(i, base)),
                              .low = std::to_string(wave(i, base) * 9 / 10),
                              .high = std::to_string(wave(i, base) * 11 / 10),
                              .before = std::to_string(wave(i - 3, base) * 24 / 25)});
    return out;
}

Ranking countries() {
    return {Phrase{"sources_countries", {}},
            "revenue",
            {{"Mexico", "51234.50", "48100.25", "41.2"},
             {"España", "30811.00", "33190.00", "24.8"},
             {kHostile, "18004.10", "0", "14.5"},
             {"=HYPERLINK(\"http://x\")", "9120.00", "9120.00", "7.3"},
             {"A segment with a name that is long enough to be wrapped on a phone", "8000", "7000",
              "6.4"}},
            Bar{"", "7131.9", "9001", "5.8"},
            Text(Phrase{
                "currencies_added",
                {{"metric", std::string("revenue")}, {"currencies", std::string("EUR, MXN")}}})};
}

Events incidents(Date day) {
    Events out{phrase("incidents")};
    out.none = phrase("incidents_none");
    out.events = {{Severity::critical, "Revenue MX/facebook 18 % below expected", at(day, 9, 15),
                   at(day, 10, 40), Seconds{5100}, "@ana", ""},
                  {Severity::warning, std::string("leads ") + kHostile, at(day + 1, 3, 0),
                   std::nullopt, Seconds{100800}, "", "silenced until Monday"},
                  {Severity::info, "Public holiday", at(day + 2, 0, 0), at(day + 3, 0, 0),
                   Seconds{86400}, "", ""}};
    return out;
}

std::vector<Definition> definitions() {
    return {{"revenue", "revenue", "Amounts of payments that succeeded, in euros."},
            {"conversion_pct", "100.0 * payments_succeeded / leads", ""},
            {"leads", "leads", std::string("Rows of ") + kHostile}};
}

Figure revenue(Text against) {
    Figure out{"revenue", "124512.31"};
    out.comparisons = {{std::move(against), "152210.00"},
                       {Phrase{"versus_average", {{"count", int64_t{7}}}}, "120100"}};
    out.expected = Interval{"140000", "165000"};
    out.trend = trend(14, 130000);
    out.target = Target{"3000000", "1300000"};
    out.why = Phrase{"why",
                     {{"segment", std::string("MX/facebook")},
                      {"change", Amount{"-21400", {Style::money, "EUR"}}},
                      {"share", Amount{"77.2", {Style::percent}}}}};
    return out;
}

Table data(Date first, int days) {
    Table table(
        {{"day", phrase("day"), Type::date},
         {"leads", std::string("Leads"), Type::number},
         {"conversion_pct", std::string("Conversion"), Type::number, {Style::percent}},
         {"revenue", std::string("Revenue"), Type::number, {Style::money, "EUR"}},
         {"payments_count", std::string("Payments"), Type::number},
         {"payments_success_rate", std::string("Success"), Type::number, {Style::percent}}});
    for (int i = 0; i < days; ++i) {
        const std::string day = kpi::iso(first + i), leads = std::to_string(wave(i, 600)),
                          money = std::to_string(wave(i, 130000)) + ".10";
        if (i == 3)
            table.add_row({day, "0", std::nullopt, "-1250.75", "0", "NaN"});
        else
            table.add_row({day, leads, "4.1333333333333333", money, "25", "96.0000000000000000"});
    }
    return table;
}

Document base(const char *name, Language language, Period period) {
    Document out;
    out.name = name;
    out.title = phrase(std::string("title_") + name);
    out.environment = "prod";
    out.language = language;
    out.period = period;
    out.as_of = period.last + 1;
    out.data_until = at(period.last + 1, 7, 55);
    out.zone = "Europe/Madrid";
    out.metrics = metrics();
    out.definitions = definitions();
    return out;
}

Document with_one_chart(const char *name, Language language, std::vector<Point> points) {
    Document out = base("monthly", language, {date({2026, 2, 1}), date({2026, 2, 28})});
    out.title = std::string(name);
    std::vector<std::optional<Decimal>> values;
    for (const Point &point : points) values.push_back(point.value);
    Figure figure{"revenue", values.empty() ? std::nullopt : values.back()};
    figure.comparisons = {
        {Phrase{"versus_period", {{"period", Period{date({2026, 1, 1}), date({2026, 1, 31})}}}},
         values.empty() ? std::nullopt : values.front()}};
    figure.trend = values;
    out.figures = {figure};
    Chart chart{phrase("trend"), "revenue", Scale::month, Shape::line, points};
    Chart bars = chart;
    bars.shape = Shape::bars;
    out.sections = {{"trend", phrase("trend"), {chart, bars}}};
    return out;
}

std::vector<Point> months(int count, const std::optional<Decimal> &value) {
    std::vector<Point> out;
    for (int i = 0; i < count; ++i)
        out.push_back({.day = kpi::add_months(date({2025, 2, 1}), i), .value = value});
    return out;
}

}  // namespace

Document daily(Language language) {
    const Date day = date({2024, 3, 12});
    Document out = base("daily", language, {day, day});
    out.notes = {Phrase{"checks_failing", {{"count", int64_t{1}}}}};
    Figure leads{"leads", "612"};
    leads.comparisons = {{Phrase{"versus_day", {{"day", day + -7}}}, "594"}};
    leads.trend = trend(14, 600);
    leads.pace = Pace{"190", "188", Interval{"160", "215"}};
    Figure conversion{"conversion_pct", "4.1333333333333333"};
    conversion.comparisons = {{Phrase{"versus_day", {{"day", day + -7}}}, "4.33"}};
    Figure refunds{"refunds", "7"};
    refunds.comparisons = {{Phrase{"versus_day", {{"day", day + -7}}}, "0"}};
    Figure first = revenue(Phrase{"versus_day", {{"day", day + -7}}});
    first.pace = Pace{"38000", "41000", Interval{"39000", "44000"}};
    out.figures = {first, leads, conversion, refunds};
    out.open = OpenPeriod{{day + 1, day + 1}, at(day + 1, 7, 55), "31.2"};
    out.sections = {{"incidents", phrase("incidents"), {incidents(day)}}};
    out.data = data(day + -29, 30);
    out.links = {{phrase("link_file"), "https://example.com/kpi_daily_2024-03-12.csv?a=1&b=2"},
                 {phrase("link_report"), "javascript:alert(1)"}};
    return out;
}

Document weekly(Language language) {
    const Period week = {date({2020, 12, 28}), date({2021, 1, 3})};
    Document out = base("weekly", language, week);
    out.against = Period{week.first + -28, week.first + -1};
    out.version = 2;
    out.notes = {Phrase{"restated_days",
                        {{"count", int64_t{3}},
                         {"metric", std::string("revenue")},
                         {"period", Period{week.first, week.first}},
                         {"before", Amount{"17500.00", {Style::money, "EUR"}, Length::whole}},
                         {"value", Amount{"17867.50", {Style::money, "EUR"}, Length::whole}},
                         {"change", Change{"17867.50", "17500.00"}}}}};
    out.summary = {Phrase{"summary_change",
                          {{"metric", std::string("Revenue")},
                           {"period", week},
                           {"value", Amount{"124512.31", {Style::money, "EUR"}}},
                           {"change", Change{"124512.31", "152210"}},
                           {"before", Amount{"152210", {Style::money, "EUR"}}},
                           {"against", *out.against}}}};
    Figure leads{"leads", "4120"};
    leads.comparisons = {{Phrase{"versus_same_weekdays", {{"count", int64_t{4}}}}, "4118.75"}};
    leads.trend = trend(28, 600);
    Figure refunds{"refunds", "12"};
    refunds.comparisons = {{Phrase{"versus_same_weekdays", {{"count", int64_t{4}}}}, "9"}};
    refunds.trend = trend(28, 12);
    out.figures = {revenue(Phrase{"versus_same_weekdays", {{"count", int64_t{4}}}}), leads,
                   refunds};
    Chart money = chart("revenue", "Revenue", week.first + -21, 28, 130000);
    Chart bars = chart("leads", "Leads", week.first + -7, 14, 600);
    bars.shape = Shape::bars;
    bars.points.back().open = true;
    Table movers({{"metric", phrase("metric"), Type::metric},
                  {"segment", phrase("segment"), Type::text},
                  {"value", phrase("value"), Type::value},
                  {"before", phrase("before"), Type::value},
                  {"change", phrase("change"), Type::change}},
                 phrase("movers"));
    movers.add_row({"revenue", "MX/facebook", "21400.5", "42800", "-50.0"});
    movers.add_row({"revenue", kHostile, "1200", "0", "Infinity"});
    movers.add_row({"conversion_pct", "ES", "4.0", "4.2", "-0.2"});
    movers.add_row({"refunds", std::nullopt, "12", std::nullopt, std::nullopt});
    out.sections = {{"revenue", std::string("Revenue"), {money, countries()}},
                    {"leads", std::string("Leads"), {bars}},
                    {"movers", phrase("movers"), {movers}},
                    {"incidents", phrase("incidents"), {incidents(week.first)}},
                    {"quality", phrase("data_quality"), {Text(phrase("checks_passing"))}}};
    out.data = data(week.first, 7);
    return out;
}

Document monthly(Language language) {
    const Period month = {date({2026, 2, 1}), date({2026, 2, 28})};
    Document out = base("monthly", language, month);
    out.against = Period{date({2026, 1, 1}), date({2026, 1, 31})};
    const Format euro = {Style::money, "EUR"};
    out.summary = {Phrase{"summary_change",
                          {{"metric", std::string("Revenue")},
                           {"period", month},
                           {"value", Amount{"999950", euro}},
                           {"change", Change{"999950", "902000"}},
                           {"before", Amount{"902000", euro}},
                           {"against", *out.against}}},
                   Phrase{"summary_share",
                          {{"segment", std::string("Mexico")},
                           {"metric", std::string("Revenue")},
                           {"share", Amount{"41.2", {Style::percent}}}}},
                   Phrase{"summary_forecast",
                          {{"period", Period{date({2026, 3, 1}), date({2026, 3, 31})}},
                           {"value", Amount{"1034000", euro}},
                           {"low", Amount{"961000", euro}},
                           {"high", Amount{"1120000", euro}}}}};
    out.notes = {phrase("no_holidays"),
                 Phrase{"restated",
                        {{"metric", std::string("revenue")},
                         {"period", Period{date({2026, 1, 1}), date({2026, 1, 31})}},
                         {"before", Amount{"902000", euro, Length::whole}},
                         {"value", Amount{"883000", euro, Length::whole}},
                         {"change", Change{"883000", "902000"}}}}};
    Figure money{"revenue", "999950"};
    money.comparisons = {
        {Phrase{"versus_period", {{"period", *out.against}}}, "902000"},
        {Phrase{"versus_period", {{"period", Period{date({2025, 2, 1}), date({2025, 2, 28})}}}},
         "874300"},
        {Phrase{"versus_working_days", {{"days", int64_t{20}}, {"days_before", int64_t{21}}}},
         "859000"}};
    out.figures = {money};
    Chart trend{Phrase{"trend_months", {{"count", int64_t{13}}}}, "revenue", Scale::month};
    for (int i = 0; i < 14; ++i) {
        Point point{.day = kpi::add_months(date({2025, 2, 1}), i),
                    .value = std::to_string(874300 + 9000 * i + (i % 3) * 21000)};
        point.target = "950000";
        if (i == 13) {
            point.open = true;
            point.value = "1034000";
            point.low = "961000";
            point.high = "1120000";
        }
        trend.points.push_back(point);
    }
    out.sections = {{"trend", phrase("trend"), {trend}},
                    {"countries", phrase("sources_countries"), {countries()}}};
    return out;
}

Document all_null(Language language) {
    return with_one_chart("all null", language, months(13, std::nullopt));
}
Document one_point(Language language) {
    return with_one_chart("one point", language, months(1, "12500.5"));
}
Document flat(Language language) {
    return with_one_chart("flat", language, months(13, "12500.50"));
}
Document negative(Language language) {
    auto points = months(13, "NaN");
    for (size_t i = 0; i < points.size(); ++i)
        if (i != 6) points[i].value = std::to_string(int(i) * 900 - 7250) + ".75";
    return with_one_chart("negative", language, points);
}
Document empty(Language language) {
    Document out = base("weekly", language, {date({2026, 2, 23}), date({2026, 3, 1})});
    out.definitions.clear();
    return out;
}

Document large(size_t segments, int days) {
    Document out = base("weekly", Language::english, {date({2026, 1, 1}), date({2026, 4, 30})});
    Table table({{"day", phrase("day"), Type::date},
                 {"segment", phrase("segment"), Type::text},
                 {"leads", std::string("Leads"), Type::number},
                 {"revenue", std::string("Revenue"), Type::number, {Style::money, "EUR"}},
                 {"conversion_pct", std::string("Conversion"), Type::number, {Style::percent}}},
                phrase("data"));
    table.reserve(segments * size_t(days));
    for (int day = 0; day < days; ++day)
        for (size_t segment = 0; segment < segments; ++segment)
            table.add_row({kpi::iso(out.period.first + day),
                           "country-" + std::to_string(segment / 10) + "/source-" +
                               std::to_string(segment % 10),
                           std::to_string(wave(day, 50 + int(segment))),
                           std::to_string(wave(day, 9000 + int(segment))) + ".25",
                           "4.1333333333333333"});
    out.sections = {{"data", phrase("data"), {table}}};
    out.data = std::move(table);
    return out;
}

}  // namespace samples
