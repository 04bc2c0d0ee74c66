#include "net/wire/failure.hpp"

#include <algorithm>
#include <cstring>

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/x509_vfy.h>

namespace kpi::net {
namespace {

double seconds(void *handle, CURLINFO what) {
    double value = 0;
    curl_easy_getinfo(handle, what, &value);
    return value;
}

long number(void *handle, CURLINFO what) {
    long value = 0;
    curl_easy_getinfo(handle, what, &value);
    return value;
}

std::string timed_out(void *handle, const Limits &limits) {
    // On a kept connection no time of connecting is known; but something was sent.
    const bool sent =
        number(handle, CURLINFO_REQUEST_SIZE) > 0 || seconds(handle, CURLINFO_PRETRANSFER_TIME) > 0;
    if (sent) return fmt::format("no complete answer within {} ms", limits.total_timeout);
    return fmt::format("no connection within {} ms",
                       std::min(limits.connect_timeout, limits.total_timeout));
}

bool contains(const std::string &text, const char *part) {
    return text.find(part) != std::string::npos;
}

std::string wrong_certificate(long verdict, const std::string &host, const std::string &said) {
    switch (verdict) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return fmt::format("the certificate of \"{}\" has expired", host);
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return fmt::format("the certificate of \"{}\" is not valid yet: is the clock right?",
                               host);
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return fmt::format(
                "the certificate of \"{}\" is self-signed; option cacert may name its file", host);
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return fmt::format(
                "the certificate of \"{}\" is from an authority that is not "
                "trusted here; option cacert may name the authority's file",
                host);
        default:
            break;
    }
    if (contains(said, "subject name"))
        return fmt::format("the certificate is for another host than \"{}\"", host);
    if (verdict != X509_V_OK) return X509_verify_cert_error_string(verdict);
    return said;
}

std::string without_tls(void *handle, int code, const std::string &host, const std::string &said) {
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return wrong_certificate(number(handle, CURLINFO_SSL_VERIFYRESULT), host, said);
    if (code == CURLE_SSL_CACERT_BADFILE)
        return "the file of option cacert cannot be read or holds no certificate";
    if (code == CURLE_USE_SSL_FAILED) return "the mail server does not offer STARTTLS";
    if (contains(said, "wrong version number") || contains(said, "packet length too long"))
        return fmt::format("\"{}\" does not speak TLS on this port", host);
    return said;
}

}  // namespace

Failure failure(void *handle, int code, const std::string &host, const Limits &limits,
                const std::string &said) {
    const std::string why = said.empty() ? curl_easy_strerror(CURLcode(code)) : said;
    switch (code) {
        case CURLE_OUT_OF_MEMORY:
            return {Fault::memory, "out of memory"};
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
            return {Fault::invalid, "the sink's URL is not valid"};
        case CURLE_COULDNT_RESOLVE_HOST:
            return {Fault::dns, fmt::format("the name \"{}\" does not resolve", host)};
        case CURLE_COULDNT_CONNECT: {
            const long number_of = number(handle, CURLINFO_OS_ERRNO);
            return {Fault::connect,
                    fmt::format("no connection to the receiver{}{}", number_of == 0 ? "" : ": ",
                                number_of == 0 ? "" : strerror(int(number_of)))};
        }
        case CURLE_OPERATION_TIMEDOUT:
            return {Fault::timeout, timed_out(handle, limits)};
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_USE_SSL_FAILED:
            return {Fault::tls, "TLS failed: " + without_tls(handle, code, host, why)};
        case CURLE_LOGIN_DENIED:
            return {Fault::login, "the receiver refused user and password"};
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_GOT_NOTHING:
        case CURLE_PARTIAL_FILE:
        case CURLE_HTTP2:
            return {Fault::cut, "the connection ended before the answer was complete"};
        default:
            break;
    }
    return {Fault::cut, curl_easy_strerror(CURLcode(code))};
}

}  // namespace kpi::net
