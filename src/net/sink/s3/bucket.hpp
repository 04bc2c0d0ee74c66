// What a sink says of S3 or of a server that speaks its language: where the bucket is, who signs,
// what an answer means.
// URL of the sink: the endpoint, https://host[:port]; empty: AWS. Options: bucket, prefix, region,
// path_style. Secrets: access_key_id, secret_access_key, session_token. Errors: 22023 with a hint.
// Sources: Amazon S3 API reference, "Error responses", "Virtual hosting of buckets".
#pragma once

#include <string>
#include <string_view>

#include "net/sign/sign_v4.hpp"
#include "net/sink/object.hpp"

namespace kpi::net::s3 {

struct S3Bucket {
    std::string name, region;
    std::string endpoint;     // without a slash at its end; empty: AWS
    bool path_style = false;  // the bucket is in the path, not in the host's name
};

// Where an object is: the URL is origin + aws_encode_path(path).
struct S3Place {
    std::string origin, host, path;
};

S3Bucket s3_bucket(const Sink &sink);
S3Place s3_place(const S3Bucket &bucket, std::string_view key);
// Errors: also 22023 when one is missing.
AwsCredentials s3_credentials(const Sink &sink);
// The option prefix, a slash, and `name`; no part is "." or "..".
std::string s3_key(const Sink &sink, const std::string &name);

// The text of the first <name> of an answer; empty: none.
std::string xml_element(std::string_view xml, std::string_view name);

// <Code> of the answer; empty: none.
std::string s3_code(const Response &answer);
// The region in which the bucket is, when the answer says that it is another; empty: it does not.
std::string s3_other_region(const Response &answer, const S3Bucket &bucket);
// judge(), with the service's own code in place of its answer: that quotes what was signed.
Outcome judge_s3(const Response &answer, int64_t unix_time);

}  // namespace kpi::net::s3
