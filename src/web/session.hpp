// One HTTP connection: requests one after the other, each with limits on time and size, each
// answered before the next is read. Lives on one web thread.
//
//   idle -> reading a head -> reading a body -> waiting for an answer -> writing it -> idle |
//   closed an event stream takes the socket with it (Stream)
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <string>

#include "web/branch.hpp"
#include "web/head.hpp"
#include "web/plan.hpp"

namespace kpi::web {

class Session : public std::enable_shared_from_this<Session> {
public:
    // `place`: held as long as the connection counts.
    Session(tcp::socket socket, Site &site, Branch &branch, std::shared_ptr<void> place);

    void start();
    // No further request; one that is being answered is finished.
    void finish();

    // For an answer that comes in parts: its head, then parts, then the end. `written` is called
    // when the system has taken the part, or the connection is closed.
    void begin(const Response &response);
    void part(std::string_view text, std::function<void()> written);
    // false: it broke off; the connection is closed without the mark of a whole answer.
    void end(bool is_whole);
    void refuse(HttpError error);
    // Calls `gone` when the client closes the connection before the answer's end. Half of a
    // connection is none: a client that only reads on is taken for gone.
    void watch_client(std::function<void()> gone);
    bool is_open() const { return socket_.is_open(); }
    asio::any_io_executor executor() { return socket_.get_executor(); }

private:
    void wait_for_request();
    void read_head();
    void read_body();
    void read(Problem problem);
    void start_clock(Milliseconds limit);
    HttpError reading_error(Problem problem) const;
    void handle();
    void carry_out(Plan wanted);
    void ask(Ask &&ask);
    void fetch(Fetch &&fetch);
    void download(Download &&download);
    void open_events(const std::string &last_id);
    // Runs `make` and answers with what it returns or throws.
    void answer(const std::function<Response()> &make);
    void respond(Response response);
    void written(Problem problem);
    void drain();
    void close();
    std::string allowed_origin() const;

    using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

    tcp::socket socket_;
    Site &site_;
    Branch &branch_;
    std::shared_ptr<void> place_;
    asio::steady_timer timer_;
    boost::beast::flat_buffer buffer_;
    std::optional<Parser> parser_;
    Request request_;
    std::string out_;
    BodyPtr out_body_;
    bool keep_alive_ = true, is_head_ = false, is_chunked_ = false;
    bool timed_out_ = false, finishing_ = false, watching_ = false;
    size_t drained_ = 0;
};

}  // namespace kpi::web
