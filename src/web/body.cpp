#include "web/body.hpp"

#include <zlib.h>

#include "core/error.hpp"
#include "web/guard.hpp"

namespace kpi::web {
namespace {

constexpr size_t kWorthIt = 1024;
constexpr int kLevel = 5;

std::string compressed(const std::string &text) {
    z_stream stream{};
    if (deflateInit2(&stream, kLevel, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        throw Error("53200", "zlib cannot start");
    std::string out(deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef *>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

bool is_packed(const std::string &type) {
    return type.starts_with("image/")
               ? type != "image/svg+xml"
               : type.starts_with("font/") || type == "application/octet-stream";
}

}  // namespace

Body::Body(std::string content, std::string content_type)
    : text_(std::move(content)),
      type_(std::move(content_type)),
      // weak: the packed and the plain bytes are one answer (RFC 9110, 8.8.1)
      etag_("W/\"" + fingerprint(text_) + '"') {}

const std::string &Body::gzip() const {
    std::call_once(once_, [this] {
        if (text_.size() < kWorthIt || is_packed(type_)) return;
        gzip_ = compressed(text_);
        if (gzip_.size() >= text_.size()) gzip_.clear();
    });
    return gzip_;
}

}  // namespace kpi::web
