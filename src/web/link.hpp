// One connection to PostgreSQL, without a thread waiting for it: libpq's non-blocking calls, its
// socket watched by Asio. Used on the database thread only. connect() and ask() call back from the
// context, never from inside the call; resume() and abandon() may.
#pragma once

#include <libpq-fe.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "web/asio.hpp"
#include "web/question.hpp"
#include "web/settings.hpp"

namespace kpi::web {

// What the server, or libpq, said. An empty SQLSTATE: the connection is gone.
struct DatabaseError {
    std::string sqlstate, message, hint;
    bool is_lost() const;  // the connection, not the statement: another one may do better
};

struct Reply {
    std::optional<DatabaseError> error;
    // Columns of the first row; empty: no row.
    std::vector<std::optional<std::string>> row;
};

// Rows one by one, as they come.
class RowReader {
public:
    virtual ~RowReader() = default;
    // false: no more until Link::resume. The result has one row, or none and only its columns.
    virtual bool take(const PGresult *result) = 0;
};

class Link : public std::enable_shared_from_this<Link> {
public:
    using Replied = std::function<void(Reply)>;

    Link(asio::io_context &context, const Settings &settings);
    Link(const Link &) = delete;
    Link &operator=(const Link &) = delete;
    ~Link();

    // Connects and makes the session read-only, with its timeouts.
    void connect(Replied done);
    // One statement, bound values. `limit`: without an answer by then the connection is given up.
    void ask(const Question &question, Milliseconds limit, Replied done,
             std::shared_ptr<RowReader> rows = nullptr);
    void resume();
    // Ends the statement with its connection.
    void abandon();
    // Between statements: tells of notifications, those that are there already at once, and when
    // the connection ends. false: it has ended, the link is closed, and `lost` is not called.
    [[nodiscard]] bool watch(std::function<void(std::string)> notified, std::function<void()> lost);
    void close();
    bool is_open() const { return connection_ != nullptr; }

private:
    void step_connect();
    void wait(asio::posix::stream_descriptor::wait_type what, void (Link::*next)());
    void start_clock(Milliseconds limit);
    void flush();
    void read_answer();
    void receive();
    bool take(PGresult *result);
    void finish(Reply reply);
    void fail(std::string message);
    void fail_later();
    bool hear();
    void listen();

    asio::posix::stream_descriptor socket_;
    asio::steady_timer clock_;
    const Settings &settings_;
    PGconn *connection_ = nullptr;
    Replied done_;
    std::shared_ptr<RowReader> rows_;
    Reply reply_;
    bool paused_ = false;
    std::function<void(std::string)> notified_;
    std::function<void()> lost_;
};

}  // namespace kpi::web
