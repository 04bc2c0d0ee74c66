#include "report/workbook.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "core/dates.hpp"
#include "core/error.hpp"
#include "report/sentence.hpp"

namespace kpi::report {
namespace {

constexpr int64_t kUnixDays = 10957;  // from 1970-01-01 to 2000-01-01

[[noreturn]] void failed(const std::string &what, const std::string &folder) {
    throw Error("58030", fmt::format("the workbook could not be written: {}", what), {},
                folder.empty()
                    ? std::string()
                    : fmt::format("Is there room in {}, and may the server write to it?", folder));
}

// A text between quotes of a number format.
std::string quoted(std::string text) {
    std::erase(text, '"');
    return "\"" + text + "\"";
}

}  // namespace

Workbook::Workbook(const std::string &folder) {
    if (access(folder.c_str(), W_OK | X_OK) != 0) failed(std::strerror(errno), folder);
    memory_ = memfd_create("kpi_report", MFD_CLOEXEC);
    if (memory_ < 0) failed(std::strerror(errno), {});
    std::string place = folder;
    lxw_workbook_options options = {};
    options.constant_memory = LXW_TRUE;
    options.tmpdir = place.data();
    book_ = workbook_new_opt(fmt::format("/proc/self/fd/{}", memory_).c_str(), &options);
    if (book_ == nullptr) {
        ::close(memory_);
        failed("there is no memory", {});
    }
}

// Also what is thrown away is closed by the library: only that gives its files back.
Workbook::~Workbook() {
    close();
    if (memory_ >= 0) ::close(memory_);
}

void Workbook::close() {
    if (book_ == nullptr) return;
    failure_ = workbook_close(book_);
    book_ = nullptr;
}

void Workbook::set_title(const std::string &title, Date day) {
    std::string text = title;
    lxw_doc_properties properties = {};
    properties.title = text.data();
    // 0 would be the clock
    properties.created = std::max<int64_t>(1, (int64_t{day.days} + kUnixDays) * 86400);
    workbook_set_properties(book_, &properties);
}

Workbook::Sheet Workbook::add_sheet(std::string_view title) {
    Sheet out;
    out.name = names_.next(title);
    out.sheet = workbook_add_worksheet(book_, out.name.c_str());
    if (out.sheet == nullptr) failed(fmt::format("no sheet \"{}\"", out.name), {});
    return out;
}

lxw_chart *Workbook::add_chart(uint8_t type) { return workbook_add_chart(book_, type); }

lxw_format *Workbook::head() {
    if (head_ == nullptr) {
        head_ = workbook_add_format(book_);
        format_set_bold(head_);
        format_set_bottom(head_, LXW_BORDER_THIN);
        format_set_text_wrap(head_);
        format_set_align(head_, LXW_ALIGN_VERTICAL_TOP);
    }
    return head_;
}

lxw_format *Workbook::title() {
    if (title_ == nullptr) {
        title_ = workbook_add_format(book_);
        format_set_bold(title_);
        format_set_font_size(title_, 16);
    }
    return title_;
}

lxw_format *Workbook::pattern(const std::string &pattern) {
    if (pattern.empty()) return nullptr;
    lxw_format *&format = patterns_[pattern];
    if (format == nullptr) {
        format = workbook_add_format(book_);
        format_set_num_format(format, pattern.c_str());
    }
    return format;
}

std::string Workbook::done() && {
    close();
    if (failure_ != LXW_NO_ERROR) failed(lxw_strerror(failure_), {});
    const off_t size = lseek(memory_, 0, SEEK_END);
    std::string out(size_t(std::max<off_t>(size, 0)), '\0');
    for (size_t at = 0; at < out.size();) {
        const ssize_t got = pread(memory_, out.data() + at, out.size() - at, off_t(at));
        if (got <= 0) failed(std::strerror(errno), {});
        at += size_t(got);
    }
    return out;
}

std::string pattern_of(const Format &format, std::string_view number, Language language) {
    const int decimals = decimals_of(format, number);
    std::string digits = "#,##0";
    if (decimals > 0) digits += "." + std::string(size_t(decimals), '0');
    // what surrounds the digits of a number: a sign of money in front, a unit behind
    const std::string sample = shown("1", {format.style, format.unit, 0}, language, Length::whole);
    const size_t at = sample.find('1');
    const std::string before = sample.substr(0, at), after = sample.substr(at + 1);
    const std::string whole =
        (before.empty() ? "" : quoted(before)) + digits + (after.empty() ? "" : quoted(after));
    return whole + ";-" + whole;
}

std::string pattern_of_change(Style style, Language language) {
    std::string unit = sentence(
        Phrase{style == Style::percent ? "points" : "percent", {{"number", std::string()}}},
        language);
    unit = quoted(unit);
    return fmt::format("+0.0{0};-0.0{0};0.0{0}", unit);
}

}  // namespace kpi::report
