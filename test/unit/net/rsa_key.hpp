// RSA keys for tests, made on the spot.
#pragma once

#include <memory>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

namespace kpi::net {

class RsaKey {
public:
    explicit RsaKey(unsigned bits = 2048) : key_(EVP_RSA_gen(bits), EVP_PKEY_free) {}

    // `password`: empty: the key is not encrypted.
    std::string pem(std::string password = {}) const {
        BIO *memory = BIO_new(BIO_s_mem());
        PEM_write_bio_PrivateKey(memory, key_.get(), password.empty() ? nullptr : EVP_aes_128_cbc(),
                                 nullptr, 0, nullptr, password.empty() ? nullptr : password.data());
        char *data = nullptr;
        const long size = BIO_get_mem_data(memory, &data);
        std::string text(data, size_t(size));
        BIO_free(memory);
        return text;
    }
    // Whether this key made the signature, raw bytes, of the text.
    bool signed_this(const std::string &text, const std::string &signature) const {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key_.get());
        const int good = EVP_DigestVerify(
            context, reinterpret_cast<const unsigned char *>(signature.data()), signature.size(),
            reinterpret_cast<const unsigned char *>(text.data()), text.size());
        EVP_MD_CTX_free(context);
        return good == 1;
    }

private:
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
};

}  // namespace kpi::net
