// sheets: cells of a Google spreadsheet, written as a service account.
//
// Secret service_account: the text of its key file (JSON). Options: spreadsheet (its id or
// address), range, value_input (RAW; USER_ENTERED reads texts as if typed, so formulas in data are
// run), create_sheet (false). The URL is https://sheets.googleapis.com when absent.
// kpi.allowed_hosts needs its host and that of the file's token_uri, oauth2.googleapis.com.
//
// The message is {"mode", "range", "values": [[...]]}, or "data": [{"range", "values"}] for several
// ranges at once, and optionally "spreadsheet". Ranges are A1 notation, 'Day 1'!B2. Modes:
//   update   (the one meant) writes from the range's first cell on
//   replace  writes, then empties what is left of the range, which names its columns: Report!A1:H
//   append   adds the rows below the table at the range. A re-send adds them again, unless
//            "key_columns": n says that the first n cells of a row name it: a row that is already
//            there is then written over. Two such messages at the same time may not see each
//            other's rows: queue them with one group_key
// {"batch": {"requests": [...]}} is passed to spreadsheets.batchUpdate and may be done twice.
// {"mode": "check"}, of kpi.test_sink, writes a null, which Google skips: it changes nothing, and
// needs the right to edit.
// A sheet that is too small grows. One that is not there is made when create_sheet is true. Both
// happen when Google refuses the cells; a null empties its cell.
// Limits: 10 MiB, 50 000 characters a cell, whole numbers up to 2^53.
// Source: Google Sheets API v4, reference of spreadsheets.values and of spreadsheets.batchUpdate.
#include <map>

#include <fmt/format.h>

#include "core/error.hpp"
#include "net/sink/kind.hpp"
#include "net/sink/sheets/fit.hpp"
#include "net/sink/sheets/google.hpp"
#include "net/sink/sheets/message.hpp"
#include "net/text/text.hpp"

namespace kpi::net::sheets {
namespace {

using nlohmann::json;

constexpr std::string_view kApi = "https://sheets.googleapis.com";
constexpr std::string_view kScope = "https://www.googleapis.com/auth/spreadsheets";

// NOLINTNEXTLINE(bugprone-exception-escape): empty JSON allocates nothing
struct Work {
    std::shared_ptr<GoogleCaller> caller;
    SheetsMessage message;
    std::string url;  // of the spreadsheet
    std::string value_input;
    bool create_sheet = false;
    bool mended = false;  // the sheets were made to fit
    int64_t cells = 0;    // written
};
using Shared = std::shared_ptr<Work>;
using Make = std::function<Request()>;
using Then = std::function<Step(const json &)>;

Request post(const std::string &url, const json &body) {
    Request request;
    request.url = url;
    request.headers = {{"Content-Type", "application/json; charset=utf-8"}};
    // a text that is no UTF-8 cannot come from the database
    request.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
    return request;
}

Request get(const std::string &url) {
    Request request;
    request.method = "GET";
    request.url = url;
    return request;
}

Outcome judged(const Work &work, const Response &answer) {
    Outcome outcome = judge_google(answer, *work.caller);
    if (outcome.state == Outcome::State::delivered) {
        if (json::parse(answer.body, nullptr, false).is_object()) return outcome;
        outcome.state = Outcome::State::dead;
        outcome.error = "the answer is not one of Google Sheets";
    }
    if (outcome.state != Outcome::State::dead || answer.fault != Fault::none) return outcome;
    if (answer.body.find("SERVICE_DISABLED") != std::string::npos)
        outcome.error += "; enable the Google Sheets API in the project of the service account";
    else if (answer.status == 403)
        outcome.error +=
            fmt::format("; share the spreadsheet with {} as an editor", work.caller->account.email);
    return outcome;
}

// Makes the sheets fit and goes on with `again`; `refusal` stays the outcome when they already do.
Step fit(const Shared &work, const json &sheets, Outcome refusal, std::function<Step()> again) {
    std::string missing;
    const json requests = fitting(work->message, sheets, work->create_sheet, missing);
    if (!missing.empty())
        refusal.error = fmt::format(
            "the spreadsheet has no sheet \"{}\"; option create_sheet makes it", missing);
    if (requests.empty()) return refusal;
    return google_call(
        work->caller,
        [work, requests] {
            return post(work->url + ":batchUpdate", {{"requests", requests}});
        },
        [work, again = std::move(again)](const Response &answer) -> Step {
            Outcome outcome = judged(*work, answer);
            // somebody may have made the sheet in the meantime: the second try tells
            if (answer.status == 400 || outcome.state == Outcome::State::delivered) return again();
            return outcome;
        });
}

// `then` gets the JSON of good answers only.
Step ask(const Shared &work, const Make &make, const Then &then) {
    return google_call(work->caller, make, [work, make, then](const Response &answer) -> Step {
        Outcome outcome = judged(*work, answer);
        if (outcome.state == Outcome::State::delivered)
            return then(json::parse(answer.body, nullptr, false));
        if (answer.status != 400 || work->mended || work->message.blocks.empty()) return outcome;
        work->mended = true;
        const std::string url =
            work->url + "?fields=sheets.properties(sheetId%2Ctitle%2Chidden%2CgridProperties)";
        return ask(
            work, [url] { return get(url); },
            [work, outcome, make, then](const json &said) -> Step {
                return fit(work, said.value("sheets", json::array()), outcome,
                           [work, make, then] { return ask(work, make, then); });
            });
    });
}

Step done(const Work &work) {
    Outcome outcome;
    outcome.status = 200;
    outcome.result = {{"spreadsheet", work.message.spreadsheet}};
    if (work.cells > 0) outcome.result["cells"] = work.cells;
    return outcome;
}

json value_range(const std::string &range, json rows) {
    return {{"range", range}, {"majorDimension", "ROWS"}, {"values", std::move(rows)}};
}

Step write(const Shared &work, json data, std::function<Step()> then) {
    if (data.empty()) return then();
    const json body = {{"valueInputOption", work->value_input}, {"data", std::move(data)}};
    return ask(
        work, [work, body] { return post(work->url + "/values:batchUpdate", body); },
        [work, then = std::move(then)](const json &said) -> Step {
            work->cells += said.value("totalUpdatedCells", int64_t(0));
            return then();
        });
}

Step write_blocks(const Shared &work, std::function<Step()> then) {
    json data = json::array();
    for (const SheetsBlock &block : work->message.blocks)
        if (block.width() > 0) data.push_back(value_range(block.range, block.rows));
    return write(work, std::move(data), std::move(then));
}

// Right of the values and below them. Rows are filled up first, so that they end at one column.
json left_over(const SheetsBlock &block) {
    const SheetRange &place = *block.place;
    const int64_t height = block.height(), width = block.width();
    json ranges = json::array();
    if (height > 0 && width < place.columns())
        ranges.push_back(range_text(
            block_of(place, place.column + width, place.row, place.columns() - width, height)));
    const auto below =
        place.last_row ? std::optional(*place.last_row - place.row + 1 - height) : std::nullopt;
    if (!below || *below > 0)
        ranges.push_back(
            range_text(block_of(place, place.column, place.row + height, place.columns(), below)));
    return ranges;
}

// First the new values, then the rest: nobody finds the report empty, whatever fails.
Step replace(const Shared &work) {
    json ranges = json::array();
    for (SheetsBlock &block : work->message.blocks) {
        const auto width = size_t(block.width());
        for (json &row : block.rows)
            while (row.size() < width) row.push_back("");
        for (json &range : left_over(block)) ranges.push_back(std::move(range));
    }
    return write_blocks(work, [work, ranges]() -> Step {
        if (ranges.empty()) return done(*work);
        return ask(
            work,
            [work, ranges] {
                return post(work->url + "/values:batchClear", {{"ranges", ranges}});
            },
            [work](const json &) -> Step { return done(*work); });
    });
}

Step add_rows(const Shared &work, const json &rows) {
    if (rows.empty()) return done(*work);
    const std::string range = work->message.blocks[0].range;
    const std::string url =
        fmt::format("{}/values/{}:append?valueInputOption={}&insertDataOption=INSERT_ROWS",
                    work->url, percent_encoded(range), work->value_input);
    return ask(
        work,
        [url, range, rows] {
            Request request = post(url, value_range(range, rows));
            request.once = true;
            return request;
        },
        [work](const json &said) -> Step {
            work->cells += said.value("updates", json::object()).value("updatedCells", int64_t(0));
            return done(*work);
        });
}

// `there`: the keys of the sheet, from the range's first row on.
Step merge_rows(const Shared &work, const json &there) {
    const SheetsBlock &block = work->message.blocks[0];
    const int64_t columns = work->message.key_columns;
    std::map<std::string, int64_t> places;
    int64_t number = block.place->row;
    for (const json &row : there) places.emplace(row_key(row, columns), number++);
    json data = json::array(), added = json::array();
    for (const json &row : block.rows) {
        const auto found = places.find(row_key(row, columns));
        if (found == places.end())
            added.push_back(row);
        else
            data.push_back(value_range(range_text(block_of(*block.place, block.place->column,
                                                           found->second, int64_t(row.size()), 1)),
                                       json::array({row})));
    }
    return write(work, std::move(data), [work, added] { return add_rows(work, added); });
}

Step append(const Shared &work) {
    const SheetsBlock &block = work->message.blocks[0];
    if (work->message.key_columns == 0) return add_rows(work, block.rows);
    const SheetRange keys = block_of(*block.place, block.place->column, block.place->row,
                                     work->message.key_columns, std::nullopt);
    const std::string url = fmt::format(
        "{}/values/{}?majorDimension=ROWS&valueRenderOption=UNFORMATTED_VALUE&"
        "dateTimeRenderOption=SERIAL_NUMBER",
        work->url, percent_encoded(range_text(keys)));
    return ask(
        work, [url] { return get(url); },
        [work](const json &said) -> Step {
            return merge_rows(work, said.value("values", json::array()));
        });
}

Step batch(const Shared &work) {
    return ask(
        work,
        [work] {
            return post(work->url + ":batchUpdate", {{"requests", work->message.requests}});
        },
        [work](const json &) -> Step { return done(*work); });
}

void check_sink(const Sink &sink) {
    (void)service_account(secret(sink, "service_account"));
    if (!sink.url.empty() && !is_safe_url(sink.url))
        throw Error("22023", "the URL of a sheets sink is not valid", {},
                    "It has TLS and no query; without a URL it is Google's.");
    if (const std::string id = text_option(sink, "spreadsheet"); !id.empty())
        (void)spreadsheet_id(id);
    (void)text_option(sink, "range");
    (void)truth_option(sink, "create_sheet", false);
    (void)value_input_option(sink);
}

void check_message(const Sink &sink, const Message &message) {
    (void)sheets_message(sink, message);
}

std::string api_of(const Sink &sink) {
    std::string api = sink.url.empty() ? std::string(kApi) : sink.url;
    while (api.ends_with('/')) api.pop_back();
    return api;
}

std::vector<std::string> calls(const Sink &sink) {
    return {service_account(secret(sink, "service_account")).token_uri, api_of(sink)};
}

Step deliver(const Sink &sink, const Message &message) {
    const auto work = std::make_shared<Work>();
    work->message = sheets_message(sink, message);
    work->value_input = value_input_option(sink);
    work->create_sheet = truth_option(sink, "create_sheet", false);
    const std::string api = api_of(sink);
    if (!is_safe_url(api)) throw Error("22023", "the URL of a sheets sink is not valid");
    work->url = fmt::format("{}/v4/spreadsheets/{}", api, work->message.spreadsheet);
    work->caller = std::make_shared<GoogleCaller>();
    work->caller->account = service_account(secret(sink, "service_account"));
    work->caller->scope = kScope;
    work->caller->clock = SigningClock(message.unix_time);
    const auto finish = [work] { return done(*work); };
    switch (work->message.mode) {
        case SheetsMode::update:
            return write_blocks(work, finish);
        case SheetsMode::replace:
            return replace(work);
        case SheetsMode::append:
            return append(work);
        case SheetsMode::batch:
            return batch(work);
        case SheetsMode::check:
            break;
    }
    const json nothing = json::array({json::array({nullptr})});
    return write(work, json::array({value_range("A1", nothing)}), finish);
}

Message test_message(const Sink &) {
    Message message;
    message.body = R"({"mode": "check"})";
    return message;
}

}  // namespace

const Kind kKind = {
    .name = "sheets",
    .needs_url = false,
    .options = {"spreadsheet", "range", "value_input", "create_sheet"},
    .secrets = {"service_account"},
    .check_sink = check_sink,
    .check_message = check_message,
    .deliver = deliver,
    .calls = calls,
    .test_message = test_message,
};

}  // namespace kpi::net::sheets
