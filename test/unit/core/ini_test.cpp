#include "core/ini.hpp"

#include <gtest/gtest.h>

namespace {

using kpi::ini_value;

constexpr std::string_view kText =
    "# aws_access_key_id = comment\n"
    "aws_access_key_id = outside\n"
    "[default]\r\n"
    "aws_access_key_id=AKIA\r\n"
    "aws_secret_access_key = a=b/c==  \n"
    "s3 =\n"
    "  aws_access_key_id = nested\n"
    "[ profile ops ]\n"
    "region = eu-central-1\n"
    "region = eu-west-1\n"
    "; aws_access_key_id = comment\n"
    "[broken\n"
    "region = nowhere\n";

TEST(Ini, ValuesOfASection) {
    EXPECT_EQ(ini_value(kText, "default", "aws_access_key_id"), "AKIA");
    EXPECT_EQ(ini_value(kText, "default", "aws_secret_access_key"), "a=b/c==");
    EXPECT_EQ(ini_value(kText, "profile ops", "region"), "eu-west-1");
}

TEST(Ini, WhatIsNotThere) {
    EXPECT_EQ(ini_value(kText, "profile ops", "aws_access_key_id"), "");
    EXPECT_EQ(ini_value(kText, "ops", "region"), "");
    EXPECT_EQ(ini_value(kText, "broken", "region"), "");
    EXPECT_EQ(ini_value(kText, "default", "s3"), "");
    EXPECT_EQ(ini_value("", "default", "a"), "");
    EXPECT_EQ(ini_value("[default]", "default", "a"), "");
}

}  // namespace
