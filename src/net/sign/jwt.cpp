#include "net/sign/jwt.hpp"

#include <memory>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "core/digest.hpp"
#include "core/error.hpp"

namespace kpi::net {
namespace {

constexpr int kFewestBits = 2048;  // RFC 7518, 3.3

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

[[noreturn]] void refuse_key() {
    ERR_clear_error();  // other users of OpenSSL in this process must not find ours
    throw Error("22023", "the private key cannot be used to sign", {},
                "It is an RSA key of at least 2048 bits in PEM, without a password.");
}

Key parsed_key(const std::string &pem) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory(
        BIO_new_mem_buf(pem.data(), int(pem.size())), BIO_free);
    if (!memory) refuse_key();
    // without this OpenSSL would ask the terminal for the password of an encrypted key
    const auto no_password = [](char *, int, int, void *) { return 0; };
    Key key(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_password, nullptr), EVP_PKEY_free);
    if (!key || EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA ||
        EVP_PKEY_bits(key.get()) < kFewestBits)
        refuse_key();
    return key;
}

std::string signature(const std::string &text, const std::string &pem) {
    const Key key = parsed_key(pem);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          EVP_MD_CTX_free);
    const auto *data = reinterpret_cast<const unsigned char *>(text.data());
    size_t size = 0;
    if (!context ||
        EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
        EVP_DigestSign(context.get(), nullptr, &size, data, text.size()) != 1)
        refuse_key();
    std::string made(size, '\0');
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char *>(made.data()), &size, data,
                       text.size()) != 1)
        refuse_key();
    made.resize(size);
    return made;
}

}  // namespace

std::string jwt_rs256(const nlohmann::json &claims, const std::string &key,
                      const std::string &key_id) {
    nlohmann::json header = {{"alg", "RS256"}, {"typ", "JWT"}};
    if (!key_id.empty()) header["kid"] = key_id;
    const std::string text = to_base64url(header.dump()) + "." + to_base64url(claims.dump());
    return text + "." + to_base64url(signature(text, key));
}

void check_rs256_key(const std::string &key) { (void)parsed_key(key); }

}  // namespace kpi::net
