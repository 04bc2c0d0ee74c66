// file: one file below kpi.file_directory, whole or not at all.
//
// The name is the object_key, with the content as the file; or the message is {"path", "text"}.
// Option directory: a folder below kpi.file_directory. Folders are created when missing. Each part
// of the path is opened by itself and without following symbolic links, so neither a name nor a
// link inside leads elsewhere; kpi.file_directory itself may be a link, it is the superuser's word.
// The bytes go to a temporary file beside the target, are synced and renamed over it: a reader sees
// the old file or the new one. A crash in between leaves a file ".kpi-*.tmp". Modes are 0640 and
// 0750 less the server's umask. Writing is not asynchronous: it holds up other sinks for as long as
// the disk takes, so kpi.file_directory belongs on a local disk.
// Result: {"path", "bytes"}, the path as seen from kpi.file_directory.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "core/error.hpp"
#include "net/sink/kind.hpp"

namespace kpi::net::file {
namespace {

constexpr size_t kLongestPart = 255;   // NAME_MAX
constexpr size_t kLongestPath = 1024;  // bytes; S3's limit of a key too

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor &operator=(Descriptor &&other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;
    ~Descriptor() {
        if (fd_ >= 0) close(fd_);
    }
    int get() const { return fd_; }
    bool open() const { return fd_ >= 0; }

private:
    int fd_;
};

// The parts of a path. Errors: 22023 when one of them would lead out, or cannot be a file name.
std::vector<std::string> parts_of(std::string_view path, std::string_view what) {
    const auto refuse = [&](std::string_view why) {
        throw Error("22023", fmt::format("{} \"{}\" {}", what, excerpt(path), why), {},
                    "A path is relative, its parts are separated by single slashes, and none of "
                    "them is \".\" or \"..\".");
    };
    if (path.empty()) refuse("is empty");
    if (path.size() > kLongestPath) refuse("is too long");
    if (path.front() == '/') refuse("is absolute");
    std::vector<std::string> parts;
    for (size_t start = 0; start <= path.size();) {
        const size_t end = std::min(path.find('/', start), path.size());
        const std::string_view part = path.substr(start, end - start);
        if (part.empty()) refuse("has an empty part");
        if (part == "." || part == "..") refuse("leads out of its folder");
        if (part.size() > kLongestPart) refuse("has a part that is too long");
        for (const char c : part)
            if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) refuse("has a control character");
        parts.emplace_back(part);
        start = end + 1;
    }
    return parts;
}

struct Target {
    std::vector<std::string> folders;
    std::string name;
    std::string path;
};

std::string text_field(const nlohmann::json &body, const char *name) {
    const auto found = body.find(name);
    if (found == body.end() || !found->is_string())
        throw Error("22023", fmt::format("the message of a file sink needs a text \"{}\"", name),
                    {}, "Give object_key and content, or a message {\"path\", \"text\"}.");
    return found->get<std::string>();
}

std::vector<std::string> folders_of(const Sink &sink) {
    const std::string directory = text_option(sink, "directory");
    if (directory.empty()) return {};
    return parts_of(directory, "option \"directory\"");
}

Target target_of(const Sink &sink, const Message &message) {
    const std::string path =
        message.object_key.empty() ? text_field(parsed(message), "path") : message.object_key;
    Target target;
    target.folders = folders_of(sink);
    std::vector<std::string> parts = parts_of(path, "path");
    target.name = std::move(parts.back());
    parts.pop_back();
    target.folders.insert(target.folders.end(), parts.begin(), parts.end());
    for (const std::string &folder : target.folders) target.path += folder + "/";
    target.path += target.name;
    return target;
}

std::string text_of(const Message &message) {
    return message.content ? *message.content : text_field(parsed(message), "text");
}

// What passes by itself or by somebody's making room is tried again; what needs another path or
// other permissions is not.
Outcome failed(int fault, std::string_view action, std::string_view path) {
    Outcome outcome;
    const bool again = fault == ENOSPC || fault == EDQUOT || fault == EIO || fault == EMFILE ||
                       fault == ENFILE || fault == ENOMEM || fault == EROFS || fault == ESTALE ||
                       fault == EINTR || fault == EAGAIN || fault == ENOENT;
    outcome.state = again ? Outcome::State::retry : Outcome::State::dead;
    outcome.receiver_down = again;
    const std::string why = fault == ELOOP || fault == ENOTDIR
                                ? "a part of the path is a symbolic link or no folder"
                                : std::generic_category().message(fault);
    outcome.error = fmt::format("could not {} \"{}\": {}", action, excerpt(path), why);
    return outcome;
}

// A folder inside another, created when missing. Not open: errno says why.
Descriptor enter(const Descriptor &parent, const std::string &name) {
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Descriptor folder(openat(parent.get(), name.c_str(), kFlags));
    if (folder.open() || errno != ENOENT) return folder;
    // Another writer may have been faster; the new name is to survive a crash as the file does.
    if (mkdirat(parent.get(), name.c_str(), 0750) != 0) {
        if (errno != EEXIST) return folder;
    } else if (fsync(parent.get()) != 0) {
        return folder;
    }
    return Descriptor(openat(parent.get(), name.c_str(), kFlags));
}

// 0, or the errno.
int write_all(const Descriptor &file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = write(file.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        bytes.remove_prefix(size_t(written));
    }
    return fsync(file.get()) == 0 ? 0 : errno;
}

// 0, or the errno. The temporary file is gone afterwards unless the process died.
int replace(const Descriptor &folder, const std::string &name, std::string_view bytes) {
    static std::atomic<uint64_t> serial{0};
    const std::string temporary = fmt::format(".kpi-{}-{}.tmp", getpid(), serial.fetch_add(1));
    constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    Descriptor file(openat(folder.get(), temporary.c_str(), kFlags, 0640));
    if (!file.open() && errno == EEXIST) {
        // left by a process that had our number and died
        if (unlinkat(folder.get(), temporary.c_str(), 0) != 0) return errno;
        file = Descriptor(openat(folder.get(), temporary.c_str(), kFlags, 0640));
    }
    if (!file.open()) return errno;
    int fault = write_all(file, bytes);
    if (fault == 0 && renameat(folder.get(), temporary.c_str(), folder.get(), name.c_str()) != 0)
        fault = errno;
    if (fault != 0) {
        unlinkat(folder.get(), temporary.c_str(), 0);
        return fault;
    }
    return fsync(folder.get()) == 0 ? 0 : errno;
}

void check_sink(const Sink &sink) { (void)folders_of(sink); }

void check_message(const Sink &sink, const Message &message) {
    (void)target_of(sink, message);
    if (!message.content) (void)text_of(message);
}

Step deliver(const Sink &sink, const Message &message) {
    if (sink.file_directory.empty() || sink.file_directory.front() != '/')
        throw Error("22023", "kpi.file_directory is not set to an absolute path", {},
                    "Set kpi.file_directory to the folder that files may be written to.");
    const Target target = target_of(sink, message);
    const std::string text = text_of(message);
    Descriptor folder(open(sink.file_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.open()) return failed(errno, "open kpi.file_directory for", target.path);
    for (const std::string &name : target.folders) {
        folder = enter(folder, name);
        if (!folder.open()) return failed(errno, "open the folder of", target.path);
    }
    if (const int fault = replace(folder, target.name, text); fault != 0)
        return failed(fault, "write", target.path);
    Outcome outcome;
    outcome.result = {{"path", target.path}, {"bytes", text.size()}};
    return outcome;
}

Message test_message(const Sink &sink) {
    Message message;
    message.body = nlohmann::json{{"path", "kpi_ext_test.txt"},
                                  {"text", fmt::format("a test of sink {}\n", sink.name)}}
                       .dump();
    return message;
}

}  // namespace

const Kind kKind = {
    .name = "file",
    .url_is_secret = false,
    .needs_url = false,
    .schemes = {},
    .options = {"directory"},
    .secrets = {},
    .check_sink = check_sink,
    .check_message = check_message,
    .deliver = deliver,
    .test_message = test_message,
};

}  // namespace kpi::net::file
