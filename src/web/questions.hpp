// Which statement answers which endpoint. Each answer is one JSON value, made by PostgreSQL, of the
// shape in openapi.json. Errors: HttpError 400 for parameters.
#pragma once

#include <optional>
#include <string>

#include "web/parameters.hpp"
#include "web/question.hpp"

namespace kpi::web {

// An endpoint of the API whose answer may be kept; nullopt: there is none at this path.
std::optional<Question> api_question(const std::string &path, Parameters &parameters);

Question summary_question(Parameters &parameters);
Question timeseries_question(Parameters &parameters);
Question segments_question(Parameters &parameters);
Question anomalies_question(Parameters &parameters);
Question explain_question(Parameters &parameters);
Question forecast_question(Parameters &parameters);
// The API of the stack that kpi_ext replaces, parameter by parameter.
Question old_query_question(Parameters &parameters);
Question incidents_question(Parameters &parameters);
Question quality_question(Parameters &parameters);
Question recent_question(Parameters &parameters);
Question reports_question(Parameters &parameters);
Question meta_question(bool read_only);
Question metrics_question(Parameters &parameters);

// Columns: content type, file name, content in hexadecimal digits.
Question report_question(const std::string &id, Parameters &parameters);

}  // namespace kpi::web
