#include "report/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/error.hpp"

namespace kpi::report {
namespace {

// Sorted by key. Spanish avoids agreement with the names of metrics, whose gender nobody knows.
constexpr auto kEntries = std::to_array<Entry>({
    {"against", {"Against {period}"}, {"Frente a {period}"}},
    {"against_value", {"{against} ({before})"}, {"{against} ({before})"}},
    {"average", {"Average"}, {"Media"}},
    {"bar_chart",
     {"Bar chart of {metric}, {period}: lowest {low}, highest {high}. The numbers follow as a "
      "table."},
     {"Gráfico de barras de {metric}, {period}: mínimo {low}, máximo {high}. Los números siguen en "
      "una tabla."}},
    {"before", {"Before"}, {"Antes"}},
    {"change", {"Change"}, {"Cambio"}},
    {"checks_failing",
     {"{count} data check fails.", "{count} data checks fail."},
     {"Falla {count} control de datos.", "Fallan {count} controles de datos."}},
    {"checks_passing", {"All data checks pass."}, {"Todos los controles de datos pasan."}},
    {"compared", {"{change} {against} ({before})"}, {"{change} {against} ({before})"}},
    {"compared_with", {"Compared with"}, {"Comparado con"}},
    {"complete", {"complete"}, {"completo"}},
    {"contents", {"Contents"}, {"Contenido"}},
    {"critical", {"critical"}, {"crítico"}},
    {"currencies_added",
     {"{metric} adds up amounts in several currencies as they are: {currencies}."},
     {"{metric} suma importes en varias monedas tal como están: {currencies}."}},
    {"data", {"Data"}, {"Datos"}},
    {"data_quality", {"Data quality"}, {"Calidad de los datos"}},
    {"data_until", {"Data until {time} ({zone})"}, {"Datos hasta el {time} ({zone})"}},
    {"day", {"Day"}, {"Día"}},
    {"definitions", {"Definitions"}, {"Definiciones"}},
    {"description", {"Description"}, {"Descripción"}},
    {"duration", {"Duration"}, {"Duración"}},
    {"empty_chart", {"No values in this period."}, {"Sin valores en este periodo."}},
    {"event", {"Event"}, {"Evento"}},
    {"events", {"Calendar"}, {"Calendario"}},
    {"expected", {"Expected"}, {"Esperado"}},
    {"expected_range", {"expected {low} to {high}"}, {"esperado de {low} a {high}"}},
    {"expected_values", {"expected range"}, {"rango esperado"}},
    {"figures", {"Key figures"}, {"Cifras clave"}},
    {"forecast", {"Forecast"}, {"Previsión"}},
    {"forecast_values", {"not over yet, or forecast"}, {"en curso o previsto"}},
    {"formula", {"Formula"}, {"Fórmula"}},
    {"high", {"Highest"}, {"Máximo"}},
    {"high_expected", {"Expected to"}, {"Esperado hasta"}},
    {"incident", {"Incident"}, {"Incidente"}},
    {"incidents", {"Incidents"}, {"Incidentes"}},
    {"incidents_none", {"No incidents."}, {"Sin incidentes."}},
    {"incidents_open",
     {"{count} open incident", "{count} open incidents"},
     {"{count} incidente abierto", "{count} incidentes abiertos"}},
    {"info", {"info"}, {"información"}},
    {"line_chart",
     {"Line chart of {metric}, {period}: lowest {low}, highest {high}. The numbers follow as a "
      "table."},
     {"Gráfico de líneas de {metric}, {period}: mínimo {low}, máximo {high}. Los números siguen en "
      "una tabla."}},
    {"link_failed",
     {"Sent without the link: the file could not be uploaded."},
     {"Enviado sin el enlace: el archivo no se pudo subir."}},
    {"link_file", {"Open the file"}, {"Abrir el archivo"}},
    {"link_missing",
     {"Sent without the link: the file was not uploaded within {count} minute.",
      "Sent without the link: the file was not uploaded within {count} minutes."},
     {"Enviado sin el enlace: el archivo no se subió en {count} minuto.",
      "Enviado sin el enlace: el archivo no se subió en {count} minutos."}},
    {"link_report", {"Open the report"}, {"Abrir el informe"}},
    {"links", {"Links"}, {"Enlaces"}},
    {"low", {"Lowest"}, {"Mínimo"}},
    {"low_expected", {"Expected from"}, {"Esperado desde"}},
    {"metric", {"Metric"}, {"Métrica"}},
    {"month", {"Month"}, {"Mes"}},
    {"month_of_year", {"{month} {year}"}, {"{month} de {year}"}},
    {"movers", {"What moved it"}, {"Qué lo movió"}},
    {"new", {"new"}, {"nuevo"}},
    {"no_forecast",
     {"There is too little history for a forecast."},
     {"Hay muy poca historia para una previsión."}},
    {"no_holidays",
     {"No holidays are loaded: working days are Monday to Friday."},
     {"No hay festivos cargados: los días laborables son de lunes a viernes."}},
    {"no_values", {"No values."}, {"Sin valores."}},
    {"note", {"Note"}, {"Nota"}},
    {"only", {"Only {segments}"}, {"Solo {segments}"}},
    {"open", {"open"}, {"abierto"}},
    {"open_since", {"open since {time}"}, {"abierto desde el {time}"}},
    {"open_so_far",
     {"{period} so far ({elapsed} elapsed, until {time})"},
     {"{period} hasta ahora ({elapsed} transcurrido, hasta el {time})"}},
    {"others", {"Others"}, {"Otros"}},
    {"outside_values", {"outside the expected range"}, {"fuera del rango esperado"}},
    {"owner", {"Owner"}, {"Responsable"}},
    {"pace_above", {"{metric} {value}, above pace"}, {"{metric} {value}, por encima del ritmo"}},
    {"pace_below", {"{metric} {value}, below pace"}, {"{metric} {value}, por debajo del ritmo"}},
    {"pace_on", {"{metric} {value}, on pace"}, {"{metric} {value}, al ritmo esperado"}},
    {"pace_unknown", {"{metric} {value}"}, {"{metric} {value}"}},
    {"percent", {"{number}%"}, {"{number} %"}},
    {"period_complete", {"{period} (complete)"}, {"{period} (completo)"}},
    {"point", {"{bucket}: {value}"}, {"{bucket}: {value}"}},
    {"point_expected",
     {"{bucket}: {value} (expected {low} to {high})"},
     {"{bucket}: {value} (esperado de {low} a {high})"}},
    {"points", {"{number} pp"}, {"{number} pp"}},
    {"quarter_of_year", {"Q{quarter} {year}"}, {"T{quarter} de {year}"}},
    {"range", {"{low} – {high}"}, {"{low} – {high}"}},
    {"ranking_chart",
     {"{metric} by segment; the numbers stand beside the bars."},
     {"{metric} por segmento; los números están junto a las barras."}},
    {"report", {"Report"}, {"Informe"}},
    {"restated",
     {"Restated since first seen: {metric} of {period} {change} (from {before} to {value})."},
     {"Corregido desde que se vio por primera vez: {metric}, {period}: {change} (de {before} a "
      "{value})."}},
    {"restated_days",
     {"Restated since first seen: {metric} of {count} days, most of all {period} {change} (from "
      "{before} to {value})."},
     {"Corregido desde que se vio por primera vez: {metric}, {count} días, sobre todo {period}: "
      "{change} (de {before} a {value})."}},
    {"restated_months",
     {"Restated since first seen: {metric} of {count} months, most of all {period} {change} (from "
      "{before} to {value})."},
     {"Corregido desde que se vio por primera vez: {metric}, {count} meses, sobre todo {period}: "
      "{change} (de {before} a {value})."}},
    {"restates",
     {"Version {version}: restates an earlier report, whose data has changed since."},
     {"Versión {version}: corrige un informe anterior, cuyos datos han cambiado desde entonces."}},
    {"rows_left_out",
     {"{count} more row is in the file with all data.",
      "{count} more rows are in the file with all data."},
     {"{count} fila más está en el archivo con todos los datos.",
      "{count} filas más están en el archivo con todos los datos."}},
    {"rows_shortened",
     {"{count} row is left out to keep this message short.",
      "{count} rows are left out to keep this message short."},
     {"Se omite {count} fila para que este mensaje sea corto.",
      "Se omiten {count} filas para que este mensaje sea corto."}},
    {"sections_shortened",
     {"{count} section is left out to keep this message short.",
      "{count} sections are left out to keep this message short."},
     {"Se omite {count} sección para que este mensaje sea corto.",
      "Se omiten {count} secciones para que este mensaje sea corto."}},
    {"segment", {"Segment"}, {"Segmento"}},
    {"share", {"Share"}, {"Proporción"}},
    {"share_of_total", {"{share} of the total"}, {"{share} del total"}},
    {"short_week", {"W{week}"}, {"S{week}"}},
    {"show_numbers", {"Show the numbers"}, {"Ver los números"}},
    {"sources_countries", {"Sources and countries"}, {"Fuentes y países"}},
    {"state", {"State"}, {"Estado"}},
    {"summary", {"Summary"}, {"Resumen"}},
    {"summary_change",
     {"{metric} in {period}: {value}, {change} against {before} in {against}."},
     {"{metric} en {period}: {value}, {change} frente a {before} en {against}."}},
    {"summary_driver",
     {"{segment} explains most of it: {change}, {share} of the change."},
     {"{segment} explica la mayor parte: {change}, {share} del cambio."}},
    {"summary_first",
     {"{metric} in {period}: {value}. There is no earlier period to compare it with."},
     {"{metric} en {period}: {value}. No hay un periodo anterior con el que compararlo."}},
    {"summary_forecast",
     {"Forecast for {period}: {value}, between {low} and {high}."},
     {"Previsión para {period}: {value}, entre {low} y {high}."}},
    {"summary_share",
     {"{segment} is first in {metric}, with {share} of the total."},
     {"{segment} es primero en {metric}, con {share} del total."}},
    {"target", {"Target"}, {"Objetivo"}},
    {"target_due",
     {"{share} of what is due by now ({due} of {target})"},
     {"{share} de lo debido hasta ahora ({due} de {target})"}},
    {"target_of", {"{share} of the target {target}"}, {"{share} del objetivo {target}"}},
    {"target_pace",
     {"{metric}, {period}: {value} so far, {share} of what is due by {day} ({due} of {target})."},
     {"{metric}, {period}: {value} hasta ahora, {share} de lo debido hasta el {day} ({due} de "
      "{target})."}},
    {"title_daily", {"Daily report"}, {"Informe diario"}},
    {"title_monthly", {"Monthly report"}, {"Informe mensual"}},
    {"title_weekly", {"Weekly report"}, {"Informe semanal"}},
    {"trend", {"Trend"}, {"Tendencia"}},
    {"trend_months",
     {"{count} month", "Trend of {count} months"},
     {"{count} mes", "Tendencia de {count} meses"}},
    {"trend_of", {"{metric}: trend"}, {"{metric}: tendencia"}},
    {"unchanged", {"="}, {"="}},
    {"unit", {"Unit"}, {"Unidad"}},
    {"value", {"Value"}, {"Valor"}},
    {"versus_average",
     {"vs the average of {count} day before", "vs the average of the {count} days before"},
     {"vs. la media de {count} día anterior", "vs. la media de los {count} días anteriores"}},
    {"versus_day", {"vs {day}"}, {"vs. {day}"}},
    {"versus_days_before",
     {"vs {count} day before", "vs the {count} days before"},
     {"vs. {count} día anterior", "vs. los {count} días anteriores"}},
    {"versus_period", {"vs {period}"}, {"vs. {period}"}},
    {"versus_same_weekdays",
     {"vs the same weekdays of {count} week before",
      "vs the same weekdays of the {count} weeks before"},
     {"vs. los mismos días de {count} semana antes",
      "vs. los mismos días de las {count} semanas anteriores"}},
    {"versus_weekday_before",
     {"the same weekday a week before"},
     {"el mismo día de la semana anterior"}},
    {"versus_working_days",
     {"per working day ({days} against {days_before})"},
     {"por día laborable ({days} frente a {days_before})"}},
    {"warning", {"warning"}, {"aviso"}},
    {"week", {"Week"}, {"Semana"}},
    {"week_of_year", {"week {week} of {year}"}, {"semana {week} de {year}"}},
    {"week_with_days", {"{week} ({days})"}, {"{week} ({days})"}},
    {"when", {"Since"}, {"Desde"}},
    {"why",
     {"Against a usual weekday: {segment} {change}, {share} of the change"},
     {"Frente a un día igual habitual: {segment} {change}, {share} del cambio"}},
});

}  // namespace

std::span<const Entry> catalogue() { return kEntries; }

const Entry &entry_of(std::string_view key) {
    const auto *const found = std::lower_bound(
        kEntries.begin(), kEntries.end(), key,
        [](const Entry &entry, std::string_view wanted) { return entry.key < wanted; });
    if (found == kEntries.end() || found->key != key)
        throw Error("22023", fmt::format("the catalogue of reports has no sentence \"{}\"", key));
    return *found;
}

std::string fill(std::string_view words, const Arguments &arguments) {
    std::string out;
    while (!words.empty()) {
        const size_t open = words.find('{');
        out += words.substr(0, open);
        if (open == std::string_view::npos) break;
        const size_t close = words.find('}', open);
        const std::string_view name = words.substr(open + 1, close - open - 1);
        const auto found = arguments.find(name);
        if (found == arguments.end())
            throw Error("22023", fmt::format("a sentence of a report lacks its \"{}\"", name));
        out += found->second;
        words.remove_prefix(close + 1);
    }
    return out;
}

}  // namespace kpi::report
