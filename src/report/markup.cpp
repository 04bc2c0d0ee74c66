#include "report/markup.hpp"

#include "report/utf8.hpp"

namespace kpi::report {
namespace {

void escape(std::string &out, std::string_view text) {
    for (const char c : clean(text)) switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
}

}  // namespace

void Markup::start(std::string_view tag, Attributes attributes) {
    (out_ += '<') += tag;
    for (const Attribute &attribute : attributes) {
        (out_ += ' ') += attribute.name;
        out_ += "=\"";
        escape(out_, attribute.value);
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
    escape(out_, text);
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
