// The formats of an export: rows in, bytes out, nothing kept but what a format must keep.
//   csv   RFC 4180, UTF-8; a text that a spreadsheet would take for a formula begins with '
//   json  an array of objects
//   xlsx  one sheet, numbers and dates as such, text never a formula
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kpi::web {

struct Column {
    enum class Kind { text, number, boolean, day, instant } kind = Kind::text;
    std::string name;
};
using Cells = std::vector<std::optional<std::string_view>>;

class Sheet {
public:
    virtual ~Sheet() = default;
    // Each appends to `out`.
    virtual void head(const std::vector<Column> &columns, std::string &out) = 0;
    virtual void row(const Cells &cells, std::string &out) = 0;
    virtual void end(std::string &out) = 0;
    virtual const char *type() const = 0;
};

// `format`: csv, json or xlsx.
std::unique_ptr<Sheet> make_sheet(const std::string &format);
std::unique_ptr<Sheet> make_xlsx();

}  // namespace kpi::web
