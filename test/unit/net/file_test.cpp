#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "net/sink/kind.hpp"

namespace kpi::net::file {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class File : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "kpi_file_XXXXXX").string();
        root_ = mkdtemp(pattern.data());
        fs::create_directory(root_ / "out");
        sink_.kind = "file";
        sink_.file_directory = (root_ / "out").string();
    }
    void TearDown() override { fs::remove_all(root_); }

    static Message file(const std::string &key, const std::string &content) {
        Message message;
        message.object_key = key;
        message.content = content;
        return message;
    }
    Outcome deliver(const Message &message) {
        kKind.check_message(sink_, message);
        return std::get<Outcome>(kKind.deliver(sink_, message));
    }
    std::string read(const std::string &path) {
        std::ifstream stream(root_ / path, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    size_t entries(const std::string &path) {
        return size_t(std::distance(fs::directory_iterator(root_ / path), {}));
    }

    fs::path root_;
    Sink sink_;
};

TEST_F(File, WritesContentBelowItsFoldersAndReplacesIt) {
    sink_.options["directory"] = "reports/daily";
    const std::string bytes("a\0b\n", 4);
    const Outcome outcome = deliver(file("2026/june.bin", bytes));
    EXPECT_EQ(outcome.state, Outcome::State::delivered) << outcome.error;
    EXPECT_EQ(outcome.result, (json{{"path", "reports/daily/2026/june.bin"}, {"bytes", 4}}));
    EXPECT_EQ(read("out/reports/daily/2026/june.bin"), bytes);
    EXPECT_EQ(deliver(file("2026/june.bin", "new")).state, Outcome::State::delivered);
    EXPECT_EQ(read("out/reports/daily/2026/june.bin"), "new");
    EXPECT_EQ(entries("out/reports/daily/2026"), 1u) << "the temporary file is gone";
}

TEST_F(File, AMessageMayCarryPathAndText) {
    Message message;
    message.body = R"({"path": "note.txt", "text": "caf\u00e9"})";
    EXPECT_EQ(deliver(message).result, (json{{"path", "note.txt"}, {"bytes", 5}}));
    EXPECT_EQ(read("out/note.txt"), "caf\xC3\xA9");
}

TEST_F(File, RefusesPathsThatLeadOut) {
    const std::vector<std::string> paths = {"../x",
                                            "a/../../x",
                                            "/etc/x",
                                            "a//x",
                                            "a/",
                                            ".",
                                            "..",
                                            "a/./x",
                                            std::string("a\0x", 3),
                                            "a\nx",
                                            std::string(256, 'n')};
    for (const std::string &path : paths) {
        EXPECT_THROW(kKind.check_message(sink_, file(path, "x")), Error) << path;
        EXPECT_THROW(kKind.deliver(sink_, file(path, "x")), Error) << path;
    }
    sink_.options["directory"] = "../other";
    EXPECT_THROW(kKind.check_sink(sink_), Error);
    EXPECT_EQ(entries("out"), 0u);
}

TEST_F(File, FollowsNoSymbolicLink) {
    fs::create_directory(root_ / "elsewhere");
    fs::create_symlink(root_ / "elsewhere", root_ / "out/link");
    const Outcome outcome = deliver(file("link/x", "x"));
    EXPECT_EQ(outcome.state, Outcome::State::dead);
    EXPECT_NE(outcome.error.find("symbolic link"), std::string::npos) << outcome.error;
    EXPECT_EQ(entries("elsewhere"), 0u);
}

TEST_F(File, ReplacesALinkOfTheNameInsteadOfWritingThroughIt) {
    std::ofstream(root_ / "victim") << "old";
    fs::create_symlink(root_ / "victim", root_ / "out/x");
    EXPECT_EQ(deliver(file("x", "new")).state, Outcome::State::delivered);
    EXPECT_EQ(read("victim"), "old");
    EXPECT_EQ(read("out/x"), "new");
    EXPECT_FALSE(fs::is_symlink(root_ / "out/x"));
}

TEST_F(File, AFolderInThePlaceOfTheFileIsFinal) {
    fs::create_directory(root_ / "out/x");
    EXPECT_EQ(deliver(file("x", "new")).state, Outcome::State::dead);
    EXPECT_EQ(entries("out"), 1u) << "the temporary file is gone";
    std::ofstream(root_ / "out/plain") << "old";
    EXPECT_EQ(deliver(file("plain/y", "new")).state, Outcome::State::dead);
}

TEST_F(File, AMissingDirectoryIsTriedAgain) {
    sink_.file_directory = (root_ / "not_mounted").string();
    const Outcome outcome = deliver(file("x", "x"));
    EXPECT_EQ(outcome.state, Outcome::State::retry);
    EXPECT_TRUE(outcome.receiver_down);
    EXPECT_FALSE(fs::exists(root_ / "not_mounted"));
}

TEST_F(File, MissingPermissionsAreFinal) {
    const uid_t before = geteuid();
    fs::permissions(root_ / "out", fs::perms::none);
    ASSERT_EQ(seteuid(before == 0 ? 65534 : before), 0);
    const Outcome outcome = deliver(file("x", "x"));
    ASSERT_EQ(seteuid(before), 0);
    fs::permissions(root_ / "out", fs::perms::owner_all);
    EXPECT_EQ(outcome.state, Outcome::State::dead);
    EXPECT_NE(outcome.error.find("Permission denied"), std::string::npos) << outcome.error;
}

TEST_F(File, AWriteThatFailsHalfWayLeavesTheOldFile) {
    ASSERT_EQ(deliver(file("x", "old")).state, Outcome::State::delivered);
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit tight{4096, before.rlim_max};
    auto *const handler = signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
    const Outcome outcome = deliver(file("x", std::string(10000, 'n')));
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    EXPECT_EQ(outcome.state, Outcome::State::dead);
    EXPECT_EQ(read("out/x"), "old");
    EXPECT_EQ(entries("out"), 1u) << "the temporary file is gone";
}

TEST_F(File, NeedsADirectory) {
    for (const char *directory : {"", "relative"}) {
        sink_.file_directory = directory;
        EXPECT_THROW(kKind.deliver(sink_, file("x", "x")), Error);
    }
}

TEST_F(File, ItsTestMessageIsOne) {
    EXPECT_EQ(deliver(kKind.test_message(sink_)).state, Outcome::State::delivered);
    EXPECT_EQ(entries("out"), 1u);
}

}  // namespace
}  // namespace kpi::net::file
