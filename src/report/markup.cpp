#include "report/markup.hpp"

#include "core/markup.hpp"
#include "core/utf8.hpp"

namespace kpi::report {

void Markup::start(std::string_view tag, Attributes attributes) {
    (out_ += '<') += tag;
    for (const Attribute &attribute : attributes) {
        (out_ += ' ') += attribute.name;
        out_ += "=\"";
        out_ += attribute_escaped(clean(attribute.value));
        out_ += '"';
    }
}

Markup &Markup::open(std::string_view tag, Attributes attributes) {
    start(tag, attributes);
    out_ += '>';
    open_.push_back(tag);
    return *this;
}

Markup &Markup::close() {
    ((out_ += "</") += open_.back()) += '>';
    open_.pop_back();
    return *this;
}

Markup &Markup::empty(std::string_view tag, Attributes attributes) {
    start(tag, attributes);
    out_ += "/>";
    return *this;
}

Markup &Markup::text(std::string_view text) {
    out_ += attribute_escaped(clean(text));
    return *this;
}

Markup &Markup::element(std::string_view tag, Attributes attributes, std::string_view text_of_it) {
    return open(tag, attributes).text(text_of_it).close();
}

Markup &Markup::element(std::string_view tag, std::string_view text_of_it) {
    return element(tag, {}, text_of_it);
}

Markup &Markup::style(std::string_view sheet) {
    open("style");
    out_ += sheet;
    return close();
}

Markup &Markup::line() {
    out_ += '\n';
    return *this;
}

std::string Markup::done() && {
    while (!open_.empty()) close();
    return std::move(out_);
}

}  // namespace kpi::report
