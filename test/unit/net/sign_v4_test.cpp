// AWS Signature Version 4 against the examples that AWS publishes.
#include "net/sign/sign_v4.hpp"

#include <gtest/gtest.h>

#include "core/digest.hpp"

namespace kpi::net {
namespace {

constexpr int64_t kMay2013 = 1369353600;     // 2013-05-24T00:00:00Z
constexpr int64_t kAugust2015 = 1440938160;  // 2015-08-30T12:36:00Z
const AwsCredentials kS3Example{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                ""};
const AwsScope kS3{"us-east-1", "s3"};

std::string authorization(const Headers &headers) {
    for (const auto &[name, value] : headers) {
        if (name == "Authorization") return value;
    }
    return "";
}

TEST(SignV4, GetVanilla) {
    AwsRequest request{"GET", "example.amazonaws.com", "/", {}, {}, hex(sha256(""))};
    AwsCredentials credentials{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
    EXPECT_EQ(
        authorization(sign_headers(request, credentials, {"us-east-1", "service"}, kAugust2015)),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(SignV4, S3GetObject) {
    std::string none = hex(sha256(""));
    AwsRequest request{"GET",
                       "examplebucket.s3.amazonaws.com",
                       "/test.txt",
                       {},
                       {{"Range", "bytes=0-9"}, {"x-amz-content-sha256", none}},
                       none};
    EXPECT_EQ(
        authorization(sign_headers(request, kS3Example, kS3, kMay2013)),
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SignV4, S3PresignedGet) {
    AwsRequest request{"GET", "examplebucket.s3.amazonaws.com", "/test.txt", {}, {}, ""};
    EXPECT_EQ(presigned_query(request, kS3Example, kS3, kMay2013, 86400),
              "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"
              "%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
              "&X-Amz-SignedHeaders=host&X-Amz-Signature="
              "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(SignV4, EncodesOnceAndKeepsSlashesOfPaths) {
    EXPECT_EQ(aws_encode_path("/a b/ü+~.txt"), "/a%20b/%C3%BC%2B~.txt");
    EXPECT_EQ(aws_query({{"uploads", ""}, {"a/b", "1=2"}}), "a%2Fb=1%3D2&uploads=");
}

TEST(SignV4, SessionTokenIsSigned) {
    AwsCredentials credentials{"A", "S", "TOKEN"};
    AwsRequest request{"PUT", "h", "/k", {}, {}, hex(sha256(""))};
    EXPECT_NE(authorization(sign_headers(request, credentials, kS3, kMay2013))
                  .find("host;x-amz-date;x-amz-security-token,"),
              std::string::npos);
}

}  // namespace
}  // namespace kpi::net
