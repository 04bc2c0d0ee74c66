#include "environment/document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>

#include "core/error.hpp"

namespace kpi::environment {
namespace {

constexpr const char *kFlat = "The file is one mapping of keys to values: leads_critical: 50";
constexpr const char *kStar = "A value that begins with * must be quoted: \"*/5 * * * *\"";

class Reader : public YAML::EventHandler {
public:
    explicit Reader(std::string_view name) : name_(name) {}

    std::vector<Entry> entries;
    int documents = 0;

    void OnDocumentStart(const YAML::Mark &mark) override {
        if (++documents > 1)
            refuse(mark, "a second document begins", "One file holds one environment.");
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark &mark, YAML::anchor_t anchor) override {
        check_plain(mark, anchor, "");
        if (depth_ == 0) return;  // an empty document
        take(mark, "", false);
    }
    void OnAlias(const YAML::Mark &mark, YAML::anchor_t) override {
        refuse(mark, "an alias (*name) is not allowed", kStar);
    }
    void OnScalar(const YAML::Mark &mark, const std::string &tag, YAML::anchor_t anchor,
                  const std::string &value) override {
        check_plain(mark, anchor, tag);
        if (depth_ == 0) refuse(mark, "a value stands alone", kFlat);
        take(mark, value, tag == "!");
    }
    void OnSequenceStart(const YAML::Mark &mark, const std::string &, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        refuse(mark, "a list is not allowed", kFlat);
    }
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark &mark, const std::string &tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        check_plain(mark, anchor, tag);
        if (++depth_ > 1) refuse(mark, "a mapping inside the mapping is not allowed", kFlat);
    }
    void OnMapEnd() override { --depth_; }

private:
    [[noreturn]] void refuse(const YAML::Mark &mark, const std::string &what,
                             const std::string &hint) const {
        refuse_line(name_, mark.line + 1, what, hint);
    }
    // "?" is the tag of what is plain, "!" of what is quoted.
    void check_plain(const YAML::Mark &mark, YAML::anchor_t anchor, const std::string &tag) const {
        if (anchor != 0)
            refuse(mark, "an anchor (&name) is not allowed", "Write the value where it is meant.");
        if (!tag.empty() && tag != "?" && tag != "!")
            refuse(mark, fmt::format("the tag {} is not allowed", tag), kFlat);
    }
    void take(const YAML::Mark &mark, const std::string &text, bool quoted) {
        if (value_is_next_) {
            entries.back().value = text;
            entries.back().quoted = quoted;
        } else {
            const auto same = std::find_if(entries.begin(), entries.end(),
                                           [&](const Entry &entry) { return entry.key == text; });
            if (same != entries.end())
                refuse(mark, fmt::format("\"{}\" stands in line {} already", text, same->line),
                       "Which of two values counts would be a matter of taste: keep one.");
            entries.push_back({text, {}, false, mark.line + 1});
        }
        value_is_next_ = !value_is_next_;
    }

    std::string_view name_;
    int depth_ = 0;
    bool value_is_next_ = false;
};

}  // namespace

void refuse_line(std::string_view name, int line, const std::string &what,
                 const std::string &hint) {
    throw Error("22023", fmt::format("environment \"{}\", line {}: {}", name, line, what), {},
                hint);
}

std::vector<Entry> read_document(std::string_view name, std::string_view yaml) {
    if (yaml.size() > kMostBytes)
        throw Error("54000",
                    fmt::format("the file of environment \"{}\" has {} bytes, more than {}", name,
                                yaml.size(), kMostBytes));
    std::istringstream stream{std::string(yaml)};
    Reader reader(name);
    try {
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(reader)) {
        }
    } catch (const YAML::Exception &error) {
        const bool star = error.msg.find("anchor") != std::string::npos;
        throw Error("22P02",
                    fmt::format("environment \"{}\", line {}: no valid YAML: {}", name,
                                error.mark.line + 1, error.msg),
                    {}, star ? kStar : kFlat);
    }
    return std::move(reader.entries);
}

}  // namespace kpi::environment
