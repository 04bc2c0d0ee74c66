// HTML and SVG as they are written: elements are closed in the order they were opened, every text
// and every attribute is escaped. There is no way to write markup that is not: what a name out of
// the database holds stays text.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kpi::report {

class Markup {
public:
    struct Attribute {
        std::string_view name;
        std::string value;
    };
    using Attributes = std::initializer_list<Attribute>;

    // Tags and names of attributes are the program's own, never data.
    Markup &open(std::string_view tag, Attributes attributes = {});
    Markup &close();
    // An element with nothing in it: <br>, <path/>.
    Markup &empty(std::string_view tag, Attributes attributes = {});
    Markup &text(std::string_view text);
    Markup &element(std::string_view tag, Attributes attributes, std::string_view text);
    Markup &element(std::string_view tag, std::string_view text);
    // A style sheet of the program's own.
    Markup &style(std::string_view sheet);
    Markup &line();

    size_t size() const { return out_.size(); }
    // Closes what is open.
    std::string done() &&;

private:
    void start(std::string_view tag, Attributes attributes);

    std::string out_;
    std::vector<std::string_view> open_;
};

}  // namespace kpi::report
