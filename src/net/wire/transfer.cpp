#include "net/wire/transfer.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "net/text/text.hpp"
#include "net/wire/failure.hpp"

namespace kpi::net {
namespace {

constexpr size_t kHeaderBytes = 64 * 1024;
constexpr int64_t kOneHeader = 8 * 1024;

bool has_header(const Headers &headers, std::string_view wanted) {
    return std::any_of(headers.begin(), headers.end(),
                       [&](const auto &header) { return lower(header.first) == wanted; });
}

}  // namespace

// libcurl calls these, and nothing may be thrown through it: without memory the transfer ends.
struct TransferCallbacks {
    template <typename Action>
    static auto guarded(Transfer &transfer, decltype(std::declval<Action>()()) otherwise,
                        Action action) noexcept {
        try {
            return action();
        } catch (const std::bad_alloc &) {
            transfer.lose();
            return otherwise;
        }
    }

    static size_t on_body(char *data, size_t, size_t bytes, void *owner) noexcept {
        auto &transfer = *static_cast<Transfer *>(owner);
        Response &response = transfer.response_;
        if (int64_t(response.body.size() + bytes) > transfer.limits_.response_bytes) {
            response.fault = Fault::too_large;
            return 0;
        }
        return guarded(transfer, 0, [&] {
            response.body.append(data, bytes);
            return bytes;
        });
    }

    static size_t on_header(char *data, size_t, size_t bytes, void *owner) noexcept {
        auto &transfer = *static_cast<Transfer *>(owner);
        transfer.header_bytes_ += bytes;
        if (transfer.header_bytes_ > kHeaderBytes || int64_t(bytes) > kOneHeader) {
            transfer.response_.fault = Fault::too_large;
            return 0;
        }
        return guarded(transfer, 0, [&] {
            transfer.keep_header({data, bytes});
            return bytes;
        });
    }

    static size_t on_mail(char *buffer, size_t size, size_t count, void *owner) noexcept {
        auto &transfer = *static_cast<Transfer *>(owner);
        const std::string &text = transfer.request_.mail->text;
        const size_t bytes = std::min(size * count, text.size() - transfer.mail_sent_);
        std::copy_n(text.begin() + std::ptrdiff_t(transfer.mail_sent_), bytes, buffer);
        transfer.mail_sent_ += bytes;
        return bytes;
    }

    // The address is judged here and nowhere else: this is the one that is connected to.
    static curl_socket_t on_open(void *owner, curlsocktype, curl_sockaddr *target) noexcept {
        auto &transfer = *static_cast<Transfer *>(owner);
        return guarded(transfer, CURL_SOCKET_BAD, [&] {
            const auto address = address_of(target->addr);
            if (!address || !transfer.egress_.allows(*address, transfer.verdict_)) {
                transfer.blocked_ = true;
                return curl_socket_t(CURL_SOCKET_BAD);
            }
            return curl_socket_t(
                socket(target->family, target->socktype | SOCK_CLOEXEC, target->protocol));
        });
    }
};

void Transfer::keep_header(std::string_view line) {
    if (request_.mail) {
        response_.body += line;
        return;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const size_t start = line.find_first_not_of(" \t", colon + 1);
    const size_t end = line.find_last_not_of(" \t\r\n");
    response_.headers[lower(line.substr(0, colon))] =
        start == std::string_view::npos || start > end
            ? std::string()
            : std::string(line.substr(start, end + 1 - start));
}

std::string host_of(const std::string &text) {
    CURLU *url = curl_url();
    char *host = nullptr;
    std::string name;
    if (curl_url_set(url, CURLUPART_URL, text.c_str(), 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK && host != nullptr)
        name = host;
    curl_free(host);
    curl_url_cleanup(url);
    return name;
}

Transfer::Transfer(int64_t id, Request request, const Limits &limits, const Egress &egress)
    : id_(id), request_(std::move(request)), limits_(limits), egress_(egress) {}

Transfer::~Transfer() {
    if (handle_ != nullptr) curl_easy_cleanup(handle_);
    curl_slist_free_all(headers_);
    curl_slist_free_all(recipients_);
}

bool Transfer::refuse(Fault fault, std::string error) {
    response_.fault = fault;
    response_.error = std::move(error);
    return false;
}

bool Transfer::judge_url() {
    CURLU *url = curl_url();
    char *host = nullptr, *scheme = nullptr, *user = nullptr;
    const bool valid = curl_url_set(url, CURLUPART_URL, request_.url.c_str(), 0) == CURLUE_OK &&
                       curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                       curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK;
    const bool with_user = curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK;
    const std::string protocol = scheme == nullptr ? "" : scheme;
    if (host != nullptr) host_ = host;
    curl_free(host);
    curl_free(scheme);
    curl_free(user);
    curl_url_cleanup(url);
    if (!valid) return refuse(Fault::invalid, "the sink's URL is not valid");
    if (with_user)
        return refuse(Fault::invalid,
                      "the sink's URL holds a user or a password, which belong in its secret");
    const bool mail = protocol == "smtp" || protocol == "smtps";
    if ((!mail && protocol != "http" && protocol != "https") || mail != request_.mail.has_value())
        return refuse(Fault::invalid, fmt::format("protocol \"{}\" is not allowed here", protocol));
    verdict_ = egress_.judge_name(host_);
    if (verdict_ == Egress::Verdict::refused)
        return refuse(Fault::blocked,
                      fmt::format("host \"{}\" is not in kpi.allowed_hosts", host_));
    return true;
}

bool Transfer::prepare() {
    if (!judge_url()) return false;
    handle_ = curl_easy_init();
    if (handle_ == nullptr) return refuse(Fault::invalid, "libcurl is out of memory");
    set_common();
    if (request_.mail)
        set_mail();
    else
        set_http();
    return true;
}

void Transfer::set_common() {
    // What libcurl has no memory to keep must not be missing from the request.
    const auto set = [this](CURLoption option, auto value) {
        if (curl_easy_setopt(handle_, option, value) == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
    };
    set(CURLOPT_ERRORBUFFER, said_.data());
    set(CURLOPT_URL, request_.url.c_str());
    set(CURLOPT_PRIVATE, this);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NETRC, long(CURL_NETRC_IGNORED));
#if LIBCURL_VERSION_NUM >= 0x075500
    set(CURLOPT_PROTOCOLS_STR, "http,https,smtp,smtps");
#else
    set(CURLOPT_PROTOCOLS,
        long(CURLPROTO_HTTP | CURLPROTO_HTTPS | CURLPROTO_SMTP | CURLPROTO_SMTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    // A name server that does not answer must not hold the thread at the end of the transfer.
    set(CURLOPT_QUICK_EXIT, 1L);
#endif
    set(CURLOPT_TIMEOUT_MS, long(limits_.total_timeout));
    set(CURLOPT_CONNECTTIMEOUT_MS, long(limits_.connect_timeout));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    if (!limits_.cacert.empty()) set(CURLOPT_CAINFO, limits_.cacert.c_str());
    set(CURLOPT_OPENSOCKETFUNCTION, TransferCallbacks::on_open);
    set(CURLOPT_OPENSOCKETDATA, this);
    set(CURLOPT_WRITEFUNCTION, TransferCallbacks::on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_HEADERFUNCTION, TransferCallbacks::on_header);
    set(CURLOPT_HEADERDATA, this);
    if (!request_.user.empty()) {
        set(CURLOPT_USERNAME, request_.user.c_str());
        set(CURLOPT_PASSWORD, request_.password.c_str());
    }
}

void Transfer::add_header(const std::string &name, const std::string &value) {
    // "Name;" sends an empty header, "Name:" removes one of curl's.
    const std::string line = value.empty() ? name + ";" : name + ": " + value;
    append(headers_, line.c_str());
}

void Transfer::append(curl_slist *&list, const char *line) {
    curl_slist *longer = curl_slist_append(list, line);
    if (longer == nullptr) throw std::bad_alloc();
    list = longer;
}

void Transfer::set_http() {
    curl_easy_setopt(handle_, CURLOPT_HTTP_VERSION, long(CURL_HTTP_VERSION_1_1));
    if (request_.once) curl_easy_setopt(handle_, CURLOPT_FRESH_CONNECT, 1L);
    const std::string &method = request_.method;
    const bool without_body =
        method == "GET" || method == "HEAD" || (method == "DELETE" && request_.body.empty());
    if (method == "HEAD") curl_easy_setopt(handle_, CURLOPT_NOBODY, 1L);
    if (!without_body) {
        curl_easy_setopt(handle_, CURLOPT_POST, 1L);
        curl_easy_setopt(handle_, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request_.body.size()));
        curl_easy_setopt(handle_, CURLOPT_POSTFIELDS, request_.body.data());
    }
    if (method != "GET" && method != "HEAD" && method != "POST")
        curl_easy_setopt(handle_, CURLOPT_CUSTOMREQUEST, method.c_str());
    for (const auto &[name, value] : request_.headers) add_header(name, value);
    if (!has_header(request_.headers, "user-agent")) add_header("User-Agent", "kpi_ext");
    for (const char *unwanted : {"Expect:", "Content-Type:"})
        if (!has_header(request_.headers, lower({unwanted, std::strlen(unwanted) - 1})))
            append(headers_, unwanted);
    curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, headers_);
}

void Transfer::set_mail() {
    const Mail &mail = *request_.mail;
    for (const std::string &recipient : mail.recipients) append(recipients_, recipient.c_str());
    curl_easy_setopt(handle_, CURLOPT_MAIL_FROM, mail.from.c_str());
    curl_easy_setopt(handle_, CURLOPT_MAIL_RCPT, recipients_);
    // One refused recipient must not keep the others from getting it.
    curl_easy_setopt(handle_, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
    curl_easy_setopt(handle_, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle_, CURLOPT_READFUNCTION, TransferCallbacks::on_mail);
    curl_easy_setopt(handle_, CURLOPT_READDATA, this);
    curl_easy_setopt(handle_, CURLOPT_INFILESIZE_LARGE, curl_off_t(mail.text.size()));
    curl_easy_setopt(handle_, CURLOPT_USE_SSL,
                     long(mail.starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
}

void Transfer::conclude(int code) noexcept {
    long status = 0;
    curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
    response_.status = int(status);
    response_.sent = int64_t(request_.mail ? mail_sent_ : request_.body.size());
    response_.received = int64_t(response_.body.size());
    try {
        if (lost_) throw std::bad_alloc();
        if (code != CURLE_OK) explain(code);
    } catch (const std::bad_alloc &) {
        response_ = Response();
        response_.fault = Fault::memory;
        response_.error = "out of memory";  // short enough to need none
    }
}

void Transfer::explain(int code) {
    const auto say = [this](Fault fault, std::string error) {
        (void)refuse(fault, std::move(error));
    };
    if (blocked_)
        return say(
            Fault::blocked,
            fmt::format("the address of host \"{}\" is not allowed by kpi.allowed_hosts", host_));
    if (response_.fault == Fault::too_large)
        return say(Fault::too_large, fmt::format("the answer (status {}) is larger than {} bytes",
                                                 response_.status, limits_.response_bytes));
    // A mail server says no in words; curl's codes tell only at which point.
    const bool said_no = code == CURLE_SEND_ERROR || code == CURLE_WEIRD_SERVER_REPLY ||
                         code == CURLE_REMOTE_ACCESS_DENIED ||
                         (code == CURLE_LOGIN_DENIED && response_.status < 500);
    if (request_.mail && said_no && response_.status >= 400 && response_.status < 600)
        return say(response_.status < 500 ? Fault::cut : Fault::refused,
                   fmt::format("the mail server refused the message with {}", response_.status));
    Failure why = failure(handle_, code, host_, limits_, said_.data());
    say(why.fault, std::move(why.error));
}

}  // namespace kpi::net
