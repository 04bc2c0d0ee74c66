// A workbook of libxlsxwriter that is being written: owns it, its formats and the memory it ends
// in.
#pragma once

#include <xlsxwriter.h>

#include <map>
#include <string>

#include "report/numbers.hpp"
#include "report/sheet_names.hpp"

namespace kpi::report {

class Workbook {
public:
    // Rows go to files without a name in `folder` as soon as they are complete. Errors: 58030.
    explicit Workbook(const std::string &folder);
    ~Workbook();
    Workbook(const Workbook &) = delete;
    Workbook &operator=(const Workbook &) = delete;

    // Written into the file as the time of its creation, which would be the clock's otherwise.
    void set_title(const std::string &title, Date day);

    struct Sheet {
        lxw_worksheet *sheet = nullptr;
        std::string name;
    };
    Sheet add_sheet(std::string_view title);
    lxw_chart *add_chart(uint8_t type);

    lxw_format *head();                               // of a column
    lxw_format *title();                              // of a report
    lxw_format *pattern(const std::string &pattern);  // "#,##0.00"; "" is plain

    // The bytes. Errors: 58030.
    std::string done() &&;

private:
    void close();

    int memory_ = -1;
    lxw_workbook *book_ = nullptr;
    lxw_error failure_ = LXW_NO_ERROR;
    SheetNames names_;
    std::map<std::string, lxw_format *> patterns_;
    lxw_format *head_ = nullptr, *title_ = nullptr;
};

// "#,##0.00", "#,##0.00\" €\"": how a spreadsheet shows a number of this format.
std::string pattern_of(const Format &format, std::string_view number, Language language);
// Of a change: with its sign, in per cent or points.
std::string pattern_of_change(Style style, Language language);

}  // namespace kpi::report
