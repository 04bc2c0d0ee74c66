// One request in libcurl's hands: its options, what came back, and what went wrong in our words.
// For Multi only; every call is made with signals blocked.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/wire/egress.hpp"
#include "net/wire/http.hpp"

struct curl_slist;

namespace kpi::net {

// The host that a URL names; empty: none, or it is no URL.
std::string host_of(const std::string &url);

class Transfer {
public:
    Transfer(int64_t id, Request request, const Limits &limits, const Egress &egress);
    ~Transfer();
    Transfer(const Transfer &) = delete;
    Transfer &operator=(const Transfer &) = delete;

    // False: it must not be sent; the response says why.
    bool prepare();
    // `code`: CURLcode. Throws nothing: without memory that is what the response says.
    void conclude(int code) noexcept;
    // There was no memory for what libcurl told: the transfer is to be ended.
    void lose() noexcept { lost_ = true; }
    bool lost() const { return lost_; }
    int64_t id() const { return id_; }
    void *handle() const { return handle_; }
    Response take_response() { return std::move(response_); }

private:
    friend struct TransferCallbacks;

    bool refuse(Fault fault, std::string error);
    bool judge_url();
    void set_common();
    void set_http();
    void set_mail();
    void add_header(const std::string &name, const std::string &value);
    void keep_header(std::string_view line);
    void explain(int code);
    void append(curl_slist *&list, const char *line);

    int64_t id_;
    Request request_;
    Limits limits_;
    const Egress &egress_;
    Egress::Verdict verdict_ = Egress::Verdict::refused;
    bool blocked_ = false, lost_ = false;
    std::string host_;
    void *handle_ = nullptr;
    curl_slist *headers_ = nullptr, *recipients_ = nullptr;
    size_t mail_sent_ = 0, header_bytes_ = 0;
    std::array<char, 256> said_{};  // CURL_ERROR_SIZE
    Response response_;
};

}  // namespace kpi::net
