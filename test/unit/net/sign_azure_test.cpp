// Signatures of Azure Storage; Azurite judges them too, in test/wire/test_azure_blob.py.
#include "net/sign/sign_azure.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "core/digest.hpp"
#include "core/error.hpp"

namespace kpi::net {
namespace {

constexpr const char *kKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

Request request() {
    Request result;
    result.method = "PUT";
    result.url = "http://127.0.0.1:1/kpiacct/reports/informe%20d%C3%ADa?comp=block&blockid=MDA%3D";
    result.headers = {{"Content-Type", "text/plain"}, {"x-ms-blob-type", "BlockBlob"}};
    result.body = "hello";
    return result;
}

std::string header(const Request &of, std::string_view name) {
    for (const auto &[known, value] : of.headers)
        if (known == name) return value;
    return "none";
}

std::string message(const std::function<void()> &run) {
    try {
        run();
    } catch (const Error &error) {
        EXPECT_EQ(error.sqlstate, "22023");
        return error.message + " " + error.detail + " " + error.hint;
    }
    return "none";
}

// The signature was computed apart from this code, with Python's hmac over the text below.
TEST(SignAzure, SharedKeyByHand) {
    Request one = request();
    sign_azure(one, {"kpiacct", from_base64(kKey), "", ""}, 1795514400);
    EXPECT_EQ(header(one, "x-ms-date"), "Tue, 24 Nov 2026 10:00:00 GMT");
    EXPECT_EQ(azure_string_to_sign(one, "kpiacct"),
              "PUT\n\n\n5\n\ntext/plain\n\n\n\n\n\n\n"
              "x-ms-blob-type:BlockBlob\nx-ms-date:Tue, 24 Nov 2026 10:00:00 GMT\n"
              "x-ms-version:2021-08-06\n"
              "/kpiacct/kpiacct/reports/informe%20d%C3%ADa\nblockid:MDA=\ncomp:block");
    EXPECT_EQ(header(one, "Authorization"),
              "SharedKey kpiacct:WEP3JQktMkjT4BDJUn1VtA5QOPfN0RKyozFGFP++5Vg=");
}

TEST(SignAzure, NoBodyHasNoLength) {
    Request one = request();
    one.body.clear();
    EXPECT_TRUE(azure_string_to_sign(one, "a").starts_with("PUT\n\n\n\n\ntext/plain\n"));
}

TEST(SignAzure, QueriesAreSortedAndTheirValuesJoined) {
    Request one;
    one.method = "GET";
    one.url = "https://a.blob.core.windows.net/c?include=snapshots&Comp=list&include=metadata";
    EXPECT_TRUE(
        azure_string_to_sign(one, "a").ends_with("\n/a/c\ncomp:list\ninclude:metadata,snapshots"));
    one.url = "https://a.blob.core.windows.net?x=%2fy%";
    EXPECT_TRUE(azure_string_to_sign(one, "a").ends_with("\n/a/\nx:/y%"));
}

TEST(SignAzure, ASasGoesIntoTheQuery) {
    Request one = request();
    sign_azure(one, {"", "", "sv=1&sig=a%2B", ""}, 0);
    EXPECT_TRUE(one.url.ends_with("?comp=block&blockid=MDA%3D&sv=1&sig=a%2B"));
    EXPECT_EQ(header(one, "Authorization"), "none");
    one = request();
    one.url = "https://h/c/b";
    sign_azure(one, {"", "", "sv=1", ""}, 0);
    EXPECT_EQ(one.url, "https://h/c/b?sv=1");
}

TEST(SignAzure, ConnectionStringsInAllForms) {
    const auto read = [](std::string_view text) { return azure_account(text, AzureService::blob); };
    AzureAccount one = read(std::string("DefaultEndpointsProtocol=https;AccountName=acc;") +
                            "AccountKey=" + kKey + ";EndpointSuffix=core.windows.net");
    EXPECT_EQ(one.name, "acc");
    EXPECT_EQ(one.key, "0123456789abcdef0123456789abcdef");
    EXPECT_EQ(one.endpoint, "https://acc.blob.core.windows.net");
    one = read(std::string(" accountkey = ") + kKey + " ;\nACCOUNTNAME=acc;;");
    EXPECT_EQ(one.endpoint, "https://acc.blob.core.windows.net");
    one = read(std::string("AccountName=acc;AccountKey=") + kKey +
               ";EndpointSuffix=core.chinacloudapi.cn;DefaultEndpointsProtocol=http");
    EXPECT_EQ(one.endpoint, "http://acc.blob.core.chinacloudapi.cn");
    one = read(std::string("AccountName=acc;AccountKey=") + kKey +
               ";BlobEndpoint=http://127.0.0.1:10100/acc/;FileEndpoint=https://f");
    EXPECT_EQ(one.endpoint, "http://127.0.0.1:10100/acc");
    one =
        read("BlobEndpoint=https://acc.blob.core.windows.net/;SharedAccessSignature=?sv=1&sig=a=");
    EXPECT_EQ(one.sas, "sv=1&sig=a=");
    EXPECT_EQ(one.key, "");
    EXPECT_EQ(one.endpoint, "https://acc.blob.core.windows.net");
    one = read("AccountName=acc;SharedAccessSignature=sv=1");
    EXPECT_EQ(one.endpoint, "https://acc.blob.core.windows.net");
    one = read("UseDevelopmentStorage=true");
    EXPECT_EQ(one.endpoint, "http://127.0.0.1:10000/devstoreaccount1");
    EXPECT_EQ(one.key.size(), 64u);
    one = read("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite/");
    EXPECT_EQ(one.endpoint, "http://azurite:10000/devstoreaccount1");
    EXPECT_EQ(azure_account(std::string("AccountName=acc;AccountKey=") + kKey, AzureService::file)
                  .endpoint,
              "https://acc.file.core.windows.net");
}

TEST(SignAzure, WhatCannotBeReadIsNotRepeated) {
    for (const char *wrong : {"", "SECRET", "=SECRET", "AccountName=acc", "AccountKey=SECRET",
                              "AccountName=acc;AccountKey=SECRET!", "SharedAccessSignature=SECRET",
                              "AccountName=a;AccountKey=", "SECRET;AccountName=a"}) {
        const std::string said = message([&] { (void)azure_account(wrong, AzureService::blob); });
        EXPECT_NE(said, "none") << wrong;
        EXPECT_EQ(said.find("SECRET"), std::string::npos) << said;
    }
    EXPECT_NE(
        message([] { (void)azure_account("UseDevelopmentStorage=true", AzureService::file); }),
        "none");
}

TEST(SignAzure, PathsKeepTheirSlashes) {
    EXPECT_EQ(azure_path("/a b/ü+%&?#~"), "/a%20b/%C3%BC%2B%25%26%3F%23~");
    EXPECT_EQ(azure_query("MDA=/"), "MDA%3D%2F");
}

}  // namespace
}  // namespace kpi::net
