#include "web/link.hpp"

#include <fmt/format.h>

namespace kpi::web {
namespace {

using Wait = asio::posix::stream_descriptor;
constexpr Milliseconds kConnectTime{5000};

// Nothing of a role's or database's own settings may change what an answer looks like or costs.
std::string session_setup(const Settings &settings) {
    return fmt::format(
        "SET statement_timeout = {}; SET default_transaction_read_only = on; SET search_path = "
        "pg_catalog, pg_temp; SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = "
        "'iso_8601'; SET extra_float_digits = 1; SET default_transaction_isolation = 'read "
        "committed'; "
        "SET lock_timeout = 2000; SET idle_in_transaction_session_timeout = 120000; SET "
        "standard_conforming_strings = on; SET jit = off; SET row_security = on; "
        "SET work_mem = '64MB'; SET hash_mem_multiplier = 2; SET "  // a million rows of an export
        "client_connection_check_interval = 1000",  // a query that nobody waits for ends
        settings.statement_timeout.count());
}

std::string trimmed(const char *text) {
    std::string out = text ? text : "";
    while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
    return out;
}

}  // namespace

bool DatabaseError::is_lost() const {
    return sqlstate.empty() || sqlstate.starts_with("08") || sqlstate == "57P01" ||
           sqlstate == "57P02" || sqlstate == "57P03" || sqlstate == "57P05";
}

Link::Link(asio::io_context &context, const Settings &settings)
    : socket_(context), clock_(context), settings_(settings) {}

Link::~Link() { close(); }

void Link::close() {
    Problem ignored;
    clock_.cancel(ignored);
    // libpq owns the socket.
    if (socket_.is_open()) socket_.release();
    if (connection_) PQfinish(connection_);
    connection_ = nullptr;
    notified_ = nullptr;
    lost_ = nullptr;
}

void Link::connect(Replied done) {
    done_ = [self = shared_from_this(), done = std::move(done)](Reply reply) {
        if (reply.error) return done(std::move(reply));
        self->ask({session_setup(self->settings_), {}, {}, false}, kConnectTime, done);
    };
    std::vector<const char *> keywords, values;
    for (const auto &[keyword, value] : settings_.connection) {
        keywords.push_back(keyword.c_str());
        values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    start_clock(kConnectTime);
    connection_ = PQconnectStartParams(keywords.data(), values.data(), 1);
    if (!connection_ || PQstatus(connection_) == CONNECTION_BAD) return fail_later();
    // libpq would print them to standard error: what code behind a facts view says of its data.
    PQsetNoticeReceiver(
        connection_, [](void *, const PGresult *) {}, nullptr);
    socket_.assign(PQsocket(connection_));
    wait(Wait::wait_write, &Link::step_connect);
}

void Link::step_connect() {
    // libpq tries one address after another, or again without TLS: a new socket each time, often of
    // the same number.
    socket_.release();
    const PostgresPollingStatusType next = PQconnectPoll(connection_);
    if (next == PGRES_POLLING_FAILED) return fail(trimmed(PQerrorMessage(connection_)));
    socket_.assign(PQsocket(connection_));
    if (next == PGRES_POLLING_OK) {
        PQsetnonblocking(connection_, 1);
        return finish({});
    }
    wait(next == PGRES_POLLING_READING ? Wait::wait_read : Wait::wait_write, &Link::step_connect);
}

void Link::wait(Wait::wait_type what, void (Link::*next)()) {
    socket_.async_wait(what, [self = shared_from_this(), next](Problem problem) {
        if (problem || !self->connection_) return;
        (self.get()->*next)();
    });
}

void Link::start_clock(Milliseconds limit) {
    clock_.expires_after(limit);
    clock_.async_wait([self = shared_from_this()](Problem problem) {
        // One that ran out as the answer came must not end the next question.
        if (problem || !self->done_ || self->clock_.expiry() > Clock::now()) return;
        self->fail("no answer from the database");
    });
}

void Link::ask(const Question &question, Milliseconds limit, Replied done,
               std::shared_ptr<RowReader> rows) {
    done_ = std::move(done);
    rows_ = std::move(rows);
    reply_ = {};
    paused_ = false;
    notified_ = nullptr;
    lost_ = nullptr;
    Problem ignored;
    socket_.cancel(ignored);  // of watch()
    start_clock(limit);
    int sent = 0;
    if (question.values.empty() && !rows_) {
        sent = PQsendQuery(connection_, question.sql.c_str());  // several statements at once
    } else {
        std::vector<const char *> values;
        for (const auto &value : question.values)
            values.push_back(value ? value->c_str() : nullptr);
        sent = PQsendQueryParams(connection_, question.sql.c_str(), static_cast<int>(values.size()),
                                 nullptr, values.data(), nullptr, nullptr, 0);
        if (sent && rows_) PQsetSingleRowMode(connection_);
    }
    if (!sent) return fail_later();
    flush();
}

void Link::fail_later() {
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
        self->fail(self->connection_ ? trimmed(PQerrorMessage(self->connection_))
                                     : "no connection");
    });
}

void Link::flush() {
    const int left = PQflush(connection_);
    if (left < 0) return fail_later();
    // While it is still being sent the server may wait for us to read.
    if (left > 0) {
        if (!PQconsumeInput(connection_)) return fail_later();
        return wait(Wait::wait_write, &Link::flush);
    }
    wait(Wait::wait_read, &Link::receive);
}

void Link::receive() {
    if (!PQconsumeInput(connection_)) return fail(trimmed(PQerrorMessage(connection_)));
    read_answer();
}

void Link::read_answer() {
    while (!PQisBusy(connection_)) {
        PGresult *result = PQgetResult(connection_);
        if (!result) return finish(std::move(reply_));
        if (!take(result)) return;
    }
    wait(Wait::wait_read, &Link::receive);
}

// false: the reader of rows has enough for now.
bool Link::take(PGresult *result) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> owned(result, &PQclear);
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
        const auto field = [&](int code) { return trimmed(PQresultErrorField(result, code)); };
        std::string message = field(PG_DIAG_MESSAGE_PRIMARY);
        if (message.empty()) message = trimmed(PQresultErrorMessage(result));
        reply_.error = {field(PG_DIAG_SQLSTATE), std::move(message), field(PG_DIAG_MESSAGE_HINT)};
        return true;
    }
    if (rows_) {
        paused_ = !rows_->take(result);
        return !paused_;
    }
    if (status == PGRES_TUPLES_OK && PQntuples(result) > 0 && reply_.row.empty())
        for (int i = 0; i < PQnfields(result); ++i)
            reply_.row.push_back(
                PQgetisnull(result, 0, i)
                    ? std::nullopt
                    : std::optional<std::string>(std::in_place, PQgetvalue(result, 0, i),
                                                 static_cast<size_t>(PQgetlength(result, 0, i))));
    return true;
}

void Link::resume() {
    if (!paused_ || !connection_ || !done_) return;
    paused_ = false;
    read_answer();
}

void Link::abandon() {
    if (done_) fail("nobody waits for the answer");
}

void Link::finish(Reply reply) {
    clock_.cancel();
    rows_.reset();
    reply_ = {};
    if (connection_ && PQstatus(connection_) == CONNECTION_BAD) {
        if (!reply.error) reply.error = DatabaseError{"", "the connection is lost", ""};
        close();
    }
    const Replied done = std::exchange(done_, nullptr);
    if (done) done(std::move(reply));
}

void Link::fail(std::string message) {
    Reply reply;
    reply.error = DatabaseError{"", std::move(message), ""};
    // What the server said before it hung up says more.
    if (reply_.error) reply.error = reply_.error;
    close();
    finish(std::move(reply));
}

bool Link::watch(std::function<void(std::string)> notified, std::function<void()> lost) {
    notified_ = std::move(notified);
    lost_ = std::move(lost);
    return hear();
}

bool Link::hear() {
    const bool alive = PQconsumeInput(connection_) && PQstatus(connection_) == CONNECTION_OK;
    while (PGnotify *notify = alive ? PQnotifies(connection_) : nullptr) {
        const std::unique_ptr<PGnotify, decltype(&PQfreemem)> owned(notify, &PQfreemem);
        if (notified_) notified_(notify->extra);
    }
    if (alive)
        wait(Wait::wait_read, &Link::listen);
    else
        close();
    return alive;
}

void Link::listen() {
    if (done_ || !lost_) return;  // a statement runs
    const auto lost = lost_;
    if (!hear()) lost();
}

}  // namespace kpi::web
