// What a sheets sink takes and refuses, and its ranges; what it sends is in
// test/wire/test_sheets.py.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "net/sink/kind.hpp"
#include "net/sink/sheets/fit.hpp"
#include "unit/net/rsa_key.hpp"

namespace kpi::net::sheets {
namespace {

using nlohmann::json;

const json kRows = json::parse(R"([["day", 1], ["next", 2]])");

// As Google makes it.
const std::string &key_file() {
    static const std::string file = json{{"type", "service_account"},
                                         {"client_email", "a@b"},
                                         {"private_key", RsaKey().pem()},
                                         {"token_uri", "https://oauth2.example/token"}}
                                        .dump();
    return file;
}

Sink sink(const json &options = json::object()) {
    Sink made;
    made.options = {{"spreadsheet", "book"}, {"range", "Leads!A1"}};
    made.options.update(options);
    made.secret = {{"service_account", key_file()}};
    return made;
}

Message message(const json &body) {
    Message made;
    made.body = body.dump();
    return made;
}

// The text of the error; empty: it is taken.
std::string fault(const json &body, const Sink &on = sink()) {
    try {
        kKind.check_message(on, message(body));
    } catch (const Error &error) {
        EXPECT_EQ(error.sqlstate, "22023");
        return error.message;
    }
    return {};
}

std::string sink_fault(const Sink &made) {
    try {
        kKind.check_sink(made);
    } catch (const Error &error) {
        EXPECT_EQ(error.sqlstate, "22023");
        return error.message;
    }
    return {};
}

std::string again(const char *text) {
    const auto range = parse_range(text);
    return range ? range_text(*range) : "none";
}

TEST(SheetRange, IsReadAndWritten) {
    EXPECT_EQ(again("A1"), "A1");
    EXPECT_EQ(again("leads!b2"), "'leads'!B2");
    EXPECT_EQ(again("Día 1!A1:C"), "'Día 1'!A1:C");
    EXPECT_EQ(again("'It''s!'!AA10:ZZZ20"), "'It''s!'!AA10:ZZZ20");
    EXPECT_EQ(again("a!b!C3"), "'a!b'!C3");
    EXPECT_EQ(again("A:D"), "A1:D");
    EXPECT_EQ(again("AZ:BA"), "AZ1:BA");
    for (const char *text :
         {"", "Leads", "A", "AAAA1", "A0", "A1:", "B1:A1", "A2:B1", "'x'", "'x!A1", "''!A1", "!A1",
          "Leads!", "Leads!R1C1", "$A$1", "1:2", "A99999999999999"})
        EXPECT_EQ(again(text), "none") << text;
}

TEST(Sheets, TakesWhatASheetHolds) {
    EXPECT_EQ(fault({{"values", {{"a", 1, 2.5, true, nullptr}}}}), "");
    EXPECT_EQ(fault({{"values", kRows}, {"range", "Named"}}), "");
    EXPECT_EQ(fault({{"mode", "replace"}, {"range", "A:B"}, {"values", json::array()}}), "");
    EXPECT_EQ(fault({{"values", {{std::string(50'000, 'x')}}}}), "");
    EXPECT_EQ(fault({{"values", {{1LL << 53, -(1LL << 53)}}}}), "");
    EXPECT_EQ(fault({{"batch", {{"requests", {{{"addSheet", json::object()}}}}}}}), "");
    EXPECT_EQ(fault({{"mode", "append"}, {"key_columns", 1}, {"values", kRows}}), "");
}

TEST(Sheets, RefusesWhatASheetCannotHold) {
    const auto cell = [](const json &value) { return fault({{"values", {{value}}}}); };
    EXPECT_NE(cell(json::array()), "");
    EXPECT_NE(cell(json::object()), "");
    EXPECT_EQ(cell(std::string(50'001, 'x')),
              "a cell of a spreadsheet has at most 50000 characters");
    std::string wide;
    for (int at = 0; at < 25'001; ++at) wide += "\xF0\x9F\x98\x80";
    EXPECT_NE(cell(wide), "");
    const std::string inexact = "a spreadsheet cannot hold so large a whole number exactly";
    EXPECT_EQ(cell((1LL << 53) + 1), inexact);
    EXPECT_EQ(cell(-(1LL << 53) - 1), inexact);
    EXPECT_EQ(cell(UINT64_MAX), inexact);
    EXPECT_NE(fault({{"values", {{std::string(11 << 20, 'x')}}}}).find("10 MiB"),
              std::string::npos);
}

TEST(Sheets, RefusesMessagesItDoesNotUnderstand) {
    for (const char *text : {
             R"({})",
             R"({"values": [[1]], "vals": 1})",
             R"({"values": [1, 2]})",
             R"({"values": []})",
             R"({"values": [[]]})",
             R"({"values": [["a", 1]], "mode": "replace"})",
             R"({"values": [["a", 1]], "mode": "replace", "range": "Leads"})",
             R"({"values": [[1]], "mode": "delete"})",
             R"({"values": [[1]], "range": "Leads!x"})",
             R"({"values": [[1, 2], [3, 4]], "range": "A1:A2"})",
             R"({"values": [[1, 2], [3, 4]], "range": "A1:B1"})",
             R"({"values": [[1, 2]], "range": "ZZZ1"})",
             R"({"values": [[1]], "data": [{"range": "A1", "values": [[1]]}]})",
             R"({"data": []})",
             R"({"data": [{"values": [[1]]}]})",
             R"({"data": [{"range": "A1", "values": [[1]]}, {"range": "D1", "values": [[1]]}],
                 "mode": "append"})",
             R"({"values": [["a", 1]], "key_columns": 1})",
             R"({"values": [["a", 1]], "key_columns": "A", "mode": "append"})",
             R"({"values": [["a", 1], ["a", 2]], "key_columns": 1, "mode": "append"})",
             R"({"values": [[null, 1]], "key_columns": 1, "mode": "append"})",
             R"({"values": [["a"]], "key_columns": 1, "mode": "append", "range": "Named"})",
             R"({"batch": []})",
             R"({"batch": {"requests": []}})",
             R"({"batch": {"requests": [1]}})",
             R"({"batch": {"requests": [{"addSheet": {}}]}, "values": [[1]]})",
             R"({"batch": {"requests": [{"addSheet": {}}]}, "mode": "update"})",
             R"({"values": [[1]], "spreadsheet": "a b"})",
         })
        EXPECT_NE(fault(json::parse(text)), "") << text;
    Message file = message(json::object());
    file.content = "a,b\n";
    file.content_type = "text/csv";
    EXPECT_THROW(kKind.check_message(sink(), file), Error);
}

TEST(Sheets, AKeyIsComparedAsTheSheetKeepsIt) {
    const json keyed = {{"mode", "append"}, {"key_columns", 1}, {"values", kRows}};
    EXPECT_EQ(fault(keyed, sink({{"value_input", "USER_ENTERED"}})),
              "an append with key_columns needs value_input RAW");
    EXPECT_EQ(row_key({5, "a"}, 2), row_key({5.0, "a", 9}, 2));
    EXPECT_EQ(row_key({5}, 2), row_key({5, ""}, 2));
    EXPECT_NE(row_key({"5"}, 1), row_key({5}, 1));
    EXPECT_NE(row_key({true}, 1), row_key({"true"}, 1));
    EXPECT_NE(row_key({"a", "b,c"}, 2), row_key({"a,b", "c"}, 2));
}

TEST(Sheets, ChecksItsOptions) {
    EXPECT_EQ(sink_fault(sink()), "");
    EXPECT_EQ(
        sink_fault(sink({{"spreadsheet", "https://docs.google.com/spreadsheets/d/1-_x/edit"}})),
        "");
    EXPECT_NE(sink_fault(sink({{"spreadsheet", "https://docs.google.com/"}})), "");
    EXPECT_NE(sink_fault(sink({{"value_input", "raw"}})), "");
    EXPECT_NE(sink_fault(sink({{"create_sheet", "yes"}})), "");
    EXPECT_NE(sink_fault(sink({{"range", 1}})), "");
    Sink other = sink();
    for (const char *url : {"http://sheets.example", "https://x?key=y", "ftp://x"}) {
        other.url = url;
        EXPECT_EQ(sink_fault(other), "the URL of a sheets sink is not valid");
    }
    other = sink();
    other.secret = {{"service_account", "/etc/key.json"}};
    EXPECT_EQ(sink_fault(other), "the key file of the service account is no JSON object");
    other.secret = json::object();
    EXPECT_NE(sink_fault(other), "");
}

TEST(Sheets, SaysWhereItCalls) {
    Sink given = sink();
    EXPECT_EQ(kKind.calls(given), (std::vector<std::string>{"https://oauth2.example/token",
                                                            "https://sheets.googleapis.com"}));
    given.url = "https://proxy.example/";
    EXPECT_EQ(kKind.calls(given)[1], "https://proxy.example");
}

TEST(SheetsFit, ChangesOnlyWhatIsTooSmall) {
    const json sheets = json::parse(
        R"([{"properties": {"sheetId": 3, "title": "H", "hidden": true}},
            {"properties": {"sheetId": 4, "title": "Leads",
                            "gridProperties": {"rowCount": 2, "columnCount": 2}}}])");
    std::string missing;
    const auto fit = [&](const json &body, const char *create = nullptr) {
        missing.clear();
        return fitting(sheets_message(sink(), message(body)), sheets, create != nullptr, missing);
    };
    EXPECT_EQ(fit({{"values", kRows}}), json::array());
    EXPECT_EQ(fit({{"values", kRows}, {"range", "Named"}}), json::array());
    EXPECT_EQ(fit({{"values", kRows}, {"range", "B1"}}),
              json::parse(R"([{"appendDimension": {"sheetId": 4, "dimension": "COLUMNS",
                                                   "length": 1}}])"));
    EXPECT_EQ(fit({{"values", kRows}, {"range", "New!A1"}}), json::array());
    EXPECT_EQ(missing, "New");
    EXPECT_EQ(fit({{"values", kRows}, {"range", "New!AA1"}}, "create"),
              json::parse(R"([{"addSheet": {"properties": {"title": "New",
                              "gridProperties": {"rowCount": 1000, "columnCount": 28}}}}])"));
}

}  // namespace
}  // namespace kpi::net::sheets
