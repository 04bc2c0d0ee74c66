// The content of an answer with what its headers say: type, ETag, and its compressed form, made
// when it is first wanted. Shared between threads and never changed.
#pragma once

#include <memory>
#include <mutex>
#include <string>

namespace kpi::web {

class Body {
public:
    Body(std::string content, std::string content_type);

    const std::string &text() const { return text_; }
    const std::string &type() const { return type_; }
    // With its quotes.
    const std::string &etag() const { return etag_; }
    // Empty: not worth it.
    const std::string &gzip() const;

private:
    std::string text_, type_, etag_;
    mutable std::once_flag once_;
    mutable std::string gzip_;
};

using BodyPtr = std::shared_ptr<const Body>;

constexpr const char *kJson = "application/json; charset=utf-8";

}  // namespace kpi::web
