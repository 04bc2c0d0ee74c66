#include "monitor/judge/memory.hpp"

#include <cstring>
#include <type_traits>

namespace kpi::monitor {
namespace {

constexpr std::uint32_t kMagic = 0x6b706901;

// All that precedes the segments; its size and that of an outlook tell a version from another.
struct Header {
    std::uint32_t magic = kMagic, outlook_size = sizeof(Outlook);
    std::int64_t bucket = 0, then = 0, next = 0;
    std::uint64_t signature = 0;
    std::uint32_t count = 0, known = 0;
    double unit = 1;
    std::uint32_t paced = 1, is_rate = 0;
};
static_assert(std::is_trivially_copyable_v<Header>);

template <class T>
void put(std::string &out, const T &value) {
    out.append(reinterpret_cast<const char *>(&value), sizeof value);
}

template <class T>
bool take(std::string_view &bytes, T &value) {
    if (bytes.size() < sizeof value) return false;
    std::memcpy(&value, bytes.data(), sizeof value);
    bytes.remove_prefix(sizeof value);
    return true;
}

}  // namespace

std::string pack(const Memory &memory) {
    Header header;
    header.bucket = memory.bucket;
    header.then = memory.then;
    header.next = memory.next;
    header.signature = memory.signature;
    header.count = std::uint32_t(memory.segments.size());
    header.known = std::uint32_t(memory.known);
    header.unit = memory.unit;
    header.paced = memory.paced ? 1 : 0;
    header.is_rate = memory.is_rate ? 1 : 0;
    std::string out;
    put(out, header);
    for (const Outlook &outlook : memory.outlooks) put(out, outlook);
    for (const std::string &segment : memory.segments) {
        put(out, std::uint32_t(segment.size()));
        out += segment;
    }
    return out;
}

std::optional<Memory> unpack(std::string_view bytes) {
    Header header;
    if (!take(bytes, header) || header.magic != kMagic || header.outlook_size != sizeof(Outlook) ||
        bytes.size() / sizeof(Outlook) < header.count)
        return std::nullopt;
    Memory memory;
    memory.bucket = header.bucket;
    memory.then = header.then;
    memory.next = header.next;
    memory.signature = header.signature;
    memory.known = int(header.known);
    memory.unit = header.unit;
    memory.paced = header.paced != 0;
    memory.is_rate = header.is_rate != 0;
    memory.outlooks.resize(header.count);
    std::memcpy(memory.outlooks.data(), bytes.data(), header.count * sizeof(Outlook));
    bytes.remove_prefix(header.count * sizeof(Outlook));
    memory.segments.reserve(header.count);
    for (std::uint32_t i = 0; i < header.count; ++i) {
        std::uint32_t size = 0;
        if (!take(bytes, size) || bytes.size() < size) return std::nullopt;
        memory.segments.emplace_back(bytes.substr(0, size));
        bytes.remove_prefix(size);
    }
    return memory;
}

}  // namespace kpi::monitor
