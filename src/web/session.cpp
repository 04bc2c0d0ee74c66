#include "web/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/read.hpp>

#include "web/export.hpp"
#include "web/log.hpp"
#include "web/site.hpp"

namespace kpi::web {
namespace {

namespace http = boost::beast::http;
constexpr size_t kHead = 16 << 10, kBody = 16 << 10, kUrl = 8 << 10;
constexpr Milliseconds kDrainTime{2000}, kWriteTime{60000};
constexpr size_t kDrained = 64 << 20;

std::string text_of(boost::beast::string_view text) { return {text.data(), text.size()}; }

bool quotes(const std::string &message, std::string_view value) {
    return !value.empty() && message.find(fmt::format("\"{}\"", value)) != std::string::npos;
}

// The database knows no parameters. The one whose value, or part of a list, the message quotes is
// wrong; if there are two, nobody can tell.
std::string parameter_in(const std::string &message, const NamedTexts &given) {
    std::string found;
    for (const auto &[name, value] : given) {
        bool is_meant = quotes(message, value);
        for (size_t from = 0; !is_meant && from < value.size();) {
            const size_t comma = std::min(value.find(',', from), value.size());
            is_meant = quotes(message, std::string_view(value).substr(from, comma - from));
            from = comma + 1;
        }
        if (!is_meant) continue;
        if (!found.empty()) return {};
        found = name;
    }
    return found;
}

}  // namespace

Session::Session(tcp::socket socket, Site &site, Branch &branch, std::shared_ptr<void> place)
    : socket_(std::move(socket)),
      site_(site),
      branch_(branch),
      place_(std::move(place)),
      timer_(socket_.get_executor()),
      buffer_(kHead * 4) {}

void Session::start() {
    Problem ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    wait_for_request();
}

// The clock of a request starts with its first byte, not with the last answer.
void Session::wait_for_request() {
    parser_.reset();
    request_ = {};
    out_body_ = nullptr;
    is_chunked_ = false;
    if (finishing_) return close();
    if (buffer_.size() > 0) return read_head();
    buffer_.shrink_to_fit();
    start_clock(site_.settings.idle_time);
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](Problem problem) {
        if (problem || self->timed_out_ || self->finishing_) return self->close();
        self->read_head();
    });
}

void Session::start_clock(Milliseconds limit) {
    timed_out_ = false;
    timer_.expires_after(limit);
    timer_.async_wait([self = shared_from_this()](Problem problem) {
        if (problem) return;
        self->timed_out_ = true;
        Problem ignored;
        self->socket_.cancel(ignored);
    });
}

void Session::read_head() {
    parser_.emplace();
    parser_->header_limit(kHead);
    parser_->body_limit(kBody);
    start_clock(site_.settings.request_time);
    http::async_read_header(
        socket_, buffer_, *parser_, [self = shared_from_this()](Problem problem, size_t) {
            if (problem) return self->read(problem);
            if (self->parser_->get()[http::field::expect] == "100-continue") {
                self->out_ = "HTTP/1.1 100 Continue\r\n\r\n";
                return asio::async_write(self->socket_, asio::buffer(self->out_),
                                         [self](Problem trouble, size_t) {
                                             if (trouble) return self->close();
                                             self->read_body();
                                         });
            }
            self->read_body();
        });
}

void Session::read_body() {
    if (parser_->is_done()) return read({});
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](Problem problem, size_t) { self->read(problem); });
}

HttpError Session::reading_error(Problem problem) const {
    if (timed_out_) return {408, "timeout", "the request took too long to arrive"};
    if (problem == http::error::header_limit || problem == http::error::buffer_overflow) {
        // Without its end the first line is the URL that is too long.
        if (parser_->get().target().empty())
            return {414, "url_too_long", "the URL is longer than 8 KiB"};
        return {431, "header_too_large", "the headers are larger than 16 KiB"};
    }
    if (problem == http::error::body_limit)
        return {413, "body_too_large", "the body is larger than 16 KiB"};
    return {400, "bad_request", "this is no HTTP/1.1 request"};
}

void Session::read(Problem problem) {
    timer_.cancel();
    const bool is_http = problem.category() == make_error_code(http::error::bad_version).category();
    if (problem == http::error::end_of_stream) return close();
    if (problem && !is_http && !timed_out_) return close();  // the client is gone
    site_.stats.requests.fetch_add(1, std::memory_order_relaxed);
    if (problem) {
        keep_alive_ = false;
        return refuse(reading_error(problem));
    }
    handle();
}

void Session::handle() {
    const auto &head = parser_->get();
    const auto field = [&](http::field name) { return text_of(head[name]); };
    keep_alive_ = head.keep_alive() && !finishing_;
    request_.method = text_of(head.method_string());
    is_head_ = request_.method == "HEAD";
    request_.authorization = field(http::field::authorization);
    request_.cookie = field(http::field::cookie);
    request_.csrf = text_of(head["X-CSRF-Token"]);
    request_.last_event_id = text_of(head["Last-Event-ID"]);
    request_.content_type = field(http::field::content_type);
    request_.if_none_match = field(http::field::if_none_match);
    request_.origin = field(http::field::origin);
    request_.accepts_gzip = accepts_gzip(field(http::field::accept_encoding));
    request_.body = std::move(parser_->get().body());
    Plan wanted;
    try {
        if (head.target().size() > kUrl)
            throw HttpError(414, "url_too_long", "the URL is longer than 8 KiB");
        if (request_.method != "GET" && !is_head_ && request_.method != "POST" &&
            request_.method != "OPTIONS")
            throw HttpError(405, "method_not_allowed", "this method is not known here",
                            "Use GET, HEAD, POST or OPTIONS.");
        request_.target =
            parse_target(std::string_view(head.target().data(), head.target().size()));
        wanted = plan(request_, site_);
    } catch (const HttpError &error) {
        return refuse(error);
    }
    carry_out(std::move(wanted));
}

void Session::carry_out(Plan wanted) {
    if (auto *response = std::get_if<Response>(&wanted)) return respond(std::move(*response));
    if (auto *question = std::get_if<Ask>(&wanted)) return ask(std::move(*question));
    if (auto *question = std::get_if<Fetch>(&wanted)) return fetch(std::move(*question));
    if (auto *file = std::get_if<Download>(&wanted)) return download(std::move(*file));
    open_events(std::get<OpenEvents>(wanted).last_id);
}

void Session::ask(Ask &&wanted) {
    asio::post(site_.database, [self = shared_from_this(), wanted = std::move(wanted)] {
        self->site_.answers.get(
            wanted.question, [self, shape = wanted.shape](const Answer &answer) {
                asio::post(self->executor(),
                           [self, shape, answer] { self->answer([&] { return shape(answer); }); });
            });
    });
}

void Session::fetch(Fetch &&wanted) {
    asio::post(site_.database, [self = shared_from_this(), wanted = std::move(wanted)] {
        const bool writes = wanted.question.writes;
        self->site_.pool.ask(
            wanted.question, [self, writes, shape = wanted.shape](const Reply &reply) {
                // Whoever acted must not be shown what was before.
                if (writes) self->site_.answers.changed();
                asio::post(self->executor(),
                           [self, shape, reply] { self->answer([&] { return shape(reply); }); });
            });
    });
}

void Session::download(Download &&wanted) {
    if (is_head_) return respond(export_head(wanted));
    start_export(shared_from_this(), site_, std::move(wanted));
}

void Session::open_events(const std::string &last_id) {
    Response response;
    response.body = std::make_shared<const Body>("", "text/event-stream");
    response.is_open_ended = true;
    response.cache = "no-cache, no-transform";
    response.headers.emplace_back("X-Accel-Buffering", "no");
    if (is_head_) return respond(std::move(response));
    response.status = 200;
    Framing framing{Framing::Kind::until_close, 0, false, false};
    const auto head = std::make_shared<const std::string>(
        head_of(response, framing, allowed_origin()) + "retry: 3000\n\n");
    timer_.cancel();
    const auto stream = std::make_shared<Stream>(std::move(socket_), branch_, std::move(place_));
    stream->start(head);
    asio::post(site_.database, [&site = site_, &branch = branch_, stream, last_id] {
        site.hub.subscribe(branch, stream, last_id);
    });
}

void Session::answer(const std::function<Response()> &make) {
    try {
        respond(make());
    } catch (const HttpError &error) {
        refuse(error);
    } catch (const std::exception &error) {
        log(std::string("an answer could not be made: ") + error.what());
        refuse(HttpError(500, "internal", "the answer could not be made"));
    }
}

void Session::refuse(HttpError error) {
    if (error.status == 400 && error.parameter.empty())
        error.parameter = parameter_in(error.message, request_.target.parameters);
    Response response = text_response(error.status, error.body());
    response.cache = "no-store";
    auto &counter = error.status < 500 ? site_.stats.refused : site_.stats.failed;
    counter.fetch_add(1, std::memory_order_relaxed);
    if (error.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
    if (error.status == 405) response.headers.emplace_back("Allow", "GET, HEAD, POST, OPTIONS");
    if (error.status == 503) response.headers.emplace_back("Retry-After", "2");
    respond(std::move(response));
}

std::string Session::allowed_origin() const {
    const auto &known = site_.settings.cors_origins;
    const bool allowed = std::find(known.begin(), known.end(), request_.origin) != known.end();
    return allowed ? request_.origin : std::string();
}

void Session::respond(Response response) {
    if (!socket_.is_open()) return;
    keep_alive_ = keep_alive_ && !finishing_;
    out_body_ = response.body;
    Framing framing;
    framing.keep_alive = keep_alive_;
    if (response.is_open_ended) framing.kind = Framing::Kind::unsaid;
    if (response.status == 200 && out_body_ && !response.is_open_ended &&
        names_etag(request_.if_none_match, out_body_->etag()))
        response.status = 304;
    const bool has_body = out_body_ && response.status != 304 && response.status != 204;
    framing.is_gzip = has_body && request_.accepts_gzip && !out_body_->gzip().empty();
    if (has_body)
        framing.length = framing.is_gzip ? out_body_->gzip().size() : out_body_->text().size();
    out_ = head_of(response, framing, allowed_origin());
    std::vector<asio::const_buffer> buffers{asio::buffer(out_)};
    if (has_body && !is_head_)
        buffers.push_back(asio::buffer(framing.is_gzip ? out_body_->gzip() : out_body_->text()));
    start_clock(kWriteTime);
    asio::async_write(socket_, buffers, [self = shared_from_this()](Problem problem, size_t) {
        self->written(problem);
    });
}

void Session::written(Problem problem) {
    watching_ = false;
    timer_.cancel();
    if (problem) return close();
    if (keep_alive_) return wait_for_request();
    // Closed with unread bytes, the system would reset the connection, and the answer be lost.
    socket_.shutdown(tcp::socket::shutdown_send, problem);
    start_clock(kDrainTime);
    drain();
}

void Session::drain() {
    buffer_.clear();
    const auto space = buffer_.prepare(kHead);
    socket_.async_read_some(space, [self = shared_from_this()](Problem problem, size_t size) {
        self->drained_ += size;
        if (problem || self->drained_ > kDrained) return self->close();
        self->drain();
    });
}

void Session::watch_client(std::function<void()> gone) {
    watching_ = true;
    socket_.async_wait(tcp::socket::wait_read,
                       [self = shared_from_this(), gone = std::move(gone)](Problem problem) {
                           if (problem || !self->watching_) return;
                           // Bytes are the next request, which is read after this answer.
                           if (self->socket_.available(problem) > 0) return;
                           self->close();
                           gone();
                       });
}

void Session::begin(const Response &response) {
    if (!socket_.is_open()) return;
    const bool is_11 = parser_ && parser_->get().version() >= 11;
    is_chunked_ = is_11;
    keep_alive_ = keep_alive_ && is_11;
    out_ = head_of(
        response,
        {is_11 ? Framing::Kind::chunked : Framing::Kind::until_close, 0, false, keep_alive_},
        allowed_origin());
}

void Session::part(std::string_view text, std::function<void()> when_written) {
    if (!socket_.is_open()) return;
    if (is_chunked_) {
        char size[32];
        std::snprintf(size, sizeof size, "%zx\r\n", text.size());
        out_ += size;
        out_ += text;
        out_ += "\r\n";
    } else {
        out_ += text;
    }
    start_clock(kWriteTime);
    asio::async_write(socket_, asio::buffer(out_),
                      [self = shared_from_this(), when_written = std::move(when_written)](
                          Problem problem, size_t) {
                          self->timer_.cancel();
                          if (problem) self->close();
                          self->out_.clear();
                          when_written();
                      });
}

void Session::end(bool is_whole) {
    if (!socket_.is_open()) return;
    if (!is_whole) return close();
    out_ += is_chunked_ ? "0\r\n\r\n" : "";
    start_clock(kWriteTime);
    asio::async_write(
        socket_, asio::buffer(out_),
        [self = shared_from_this()](Problem problem, size_t) { self->written(problem); });
}

void Session::finish() {
    finishing_ = true;
    if (parser_) return;
    Problem ignored;
    socket_.cancel(ignored);  // it waits for a request
}

void Session::close() {
    timer_.cancel();
    Problem ignored;
    socket_.close(ignored);
    place_.reset();
}

}  // namespace kpi::web
