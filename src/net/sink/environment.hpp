// The sinks that a server's environment describes, in the variables of the stack that kpi_ext
// replaces:
//
//   slack          SLACK_WEBHOOK_URL, when ENABLE_SLACK is true
//   pushgateway    PUSHGATEWAY_URL (without a scheme: http://)
//   reports_s3     KPI_REPORTS_S3_BUCKET, KPI_REPORTS_S3_PREFIX, and what AWS's tools read
//   reports_adls   KPI_REPORTS_ADLS_SHARE, KPI_REPORTS_ADLS_PATH, AZURE_STORAGE_CONNECTION_STRING
//   reports_dir    KPI_REPORTS_DIR; not set it is /tmp, as it was, where kpi.file_directory is set
//   mlflow         MLFLOW_TRACKING_URI, MLFLOW_KPI_EXPERIMENT_NAME, MLFLOW_TRACKING_TOKEN or
//                  MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD
//
// AWS's keys, in the order of its tools: AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY (and
// AWS_SESSION_TOKEN); else the profile AWS_PROFILE (AWS_DEFAULT_PROFILE, "default") in
// AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials), then in AWS_CONFIG_FILE (~/.aws/config). Roles
// of machines and containers are not asked for: their addresses are never reachable (egress.hpp).
// Region: AWS_REGION, AWS_DEFAULT_REGION, the profile's in AWS_CONFIG_FILE, us-east-1. Endpoint:
// AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL; none: AWS.
// Source: AWS SDKs and Tools Reference Guide, "Credential provider chain" and "Environment
// variables"; the rest as the old stack used them.
//
// What is secret, and every URL that may be, becomes a reference (env:NAME, ini:/path#profile#key):
// no value is copied, and a changed variable counts after the server's restart.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace kpi::net {

struct Environment {
    // A variable's value; empty: not set.
    std::function<std::string(const std::string &)> variable;
    // A file's text; empty: cannot be read.
    std::function<std::string(const std::string &)> file;
    std::string file_directory;  // kpi.file_directory
};

struct FoundSink {
    std::string name, kind, url;  // url: empty: none
    nlohmann::json options = nlohmann::json::object();
    nlohmann::json secret = nlohmann::json::object();
    std::string skipped;  // why it cannot be made; empty: it can
};

// Only sinks of which at least one variable is set.
std::vector<FoundSink> sinks_in(const Environment &environment);

}  // namespace kpi::net
