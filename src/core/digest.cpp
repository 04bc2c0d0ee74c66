#include "core/digest.hpp"

#include <vector>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "core/error.hpp"

namespace kpi {
namespace {

const unsigned char *bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char *>(text.data());
}

unsigned char *bytes_of(std::string &text) {
    return reinterpret_cast<unsigned char *>(text.data());
}

}  // namespace

std::string sha256(std::string_view data) {
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    SHA256(bytes_of(data), data.size(), bytes_of(digest));
    return digest;
}

std::string md5(std::string_view data) {
    std::string digest(EVP_MAX_MD_SIZE, '\0');
    unsigned int length = 0;
    if (EVP_Digest(data.data(), data.size(), bytes_of(digest), &length, EVP_md5(), nullptr) != 1)
        return {};
    digest.resize(length);
    return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view data) {
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    unsigned int length = 0;
    HMAC(EVP_sha256(), key.data(), int(key.size()), bytes_of(data), data.size(), bytes_of(digest),
         &length);
    return digest;
}

std::string hex(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return text;
}

std::string from_hex(std::string_view digits) {
    const auto nibble = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::string bytes(digits.size() / 2, '\0');
    for (size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = char(nibble(digits[2 * i]) << 4 | nibble(digits[2 * i + 1]));
    return bytes;
}

std::string to_base64(std::string_view bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int length = EVP_EncodeBlock(bytes_of(text), bytes_of(bytes), int(bytes.size()));
    text.resize(size_t(length));
    return text;
}

std::string to_base64url(std::string_view bytes) {
    std::string text = to_base64(bytes);
    while (!text.empty() && text.back() == '=') text.pop_back();
    for (char &c : text) {
        if (c == '+') c = '-';
        if (c == '/') c = '_';
    }
    return text;
}

std::string from_base64(std::string_view text) {
    if (text.empty()) return {};
    std::string bytes(text.size() / 4 * 3 + 3, '\0');
    const int length = text.size() % 4 != 0
                           ? -1
                           : EVP_DecodeBlock(bytes_of(bytes), bytes_of(text), int(text.size()));
    if (length < 0) throw Error("22023", "the text is no base64");
    size_t size = size_t(length);
    // EVP_DecodeBlock counts the padding as bytes.
    if (text.ends_with("==")) --size;
    if (text.ends_with('=')) --size;
    bytes.resize(size);
    return bytes;
}

bool same_secret(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace kpi
