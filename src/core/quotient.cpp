#include "core/quotient.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <vector>

namespace kpi {
namespace {

// What is left of the text, read from the front. Every reader returns false and leaves it where it
// was when something else stands there.
class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    bool at_end() {
        skip();
        return rest_.empty();
    }
    bool take(std::string_view word) {
        skip();
        if (rest_.size() < word.size()) return false;
        for (size_t i = 0; i < word.size(); ++i)
            if (std::tolower(static_cast<unsigned char>(rest_[i])) != word[i]) return false;
        if (std::isalpha(static_cast<unsigned char>(word.back())) && rest_.size() > word.size() &&
            is_inner(rest_[word.size()]))
            return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    std::optional<double> number() {
        skip();
        size_t n = 0;
        while (n < rest_.size() &&
               (std::isdigit(static_cast<unsigned char>(rest_[n])) || rest_[n] == '.'))
            ++n;
        if (n == 0) return std::nullopt;
        double value = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + n, value);
        if (error != std::errc() || end != rest_.data() + n) return std::nullopt;
        rest_.remove_prefix(n);
        return value;
    }
    std::optional<std::string> name() {
        skip();
        std::string out;
        size_t n = 0;
        if (!rest_.empty() && rest_[0] == '"') {
            for (n = 1; n < rest_.size() && rest_[n] != '"'; ++n) out += rest_[n];
            if (n == rest_.size()) return std::nullopt;
            ++n;
        } else {
            if (rest_.empty() || std::isdigit(static_cast<unsigned char>(rest_[0]))) return {};
            for (; n < rest_.size() && is_inner(rest_[n]); ++n)
                out += char(std::tolower(static_cast<unsigned char>(rest_[n])));
        }
        if (out.empty()) return std::nullopt;
        rest_.remove_prefix(n);
        return out;
    }
    Reader mark() const { return *this; }

private:
    static bool is_inner(char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || (c & 0x80) != 0;
    }
    void skip() {
        while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_[0])))
            rest_.remove_prefix(1);
    }
    std::string_view rest_;
};

// A product and quotient of names and numbers.
struct Product {
    std::vector<std::string> above, below;
    double factor = 1;
};

bool product(Reader &in, Product &out, bool inverted);

bool cast(Reader &in) {
    while (in.take("::")) {
        if (!in.name()) return false;
        if (in.take("(")) {
            if (!in.number()) return false;
            while (in.take(","))
                if (!in.number()) return false;
            if (!in.take(")")) return false;
        }
    }
    return true;
}

bool operand(Reader &in, Product &out, bool below) {
    if (in.take("(")) return product(in, out, below) && in.take(")") && cast(in);
    if (const auto value = in.number()) {
        if (*value == 0) return false;
        out.factor = below ? out.factor / *value : out.factor * *value;
        return cast(in);
    }
    if (in.take("nullif")) {
        if (!below || !in.take("(") || !operand(in, out, below) || !in.take(",")) return false;
        return in.number() == 0.0 && in.take(")") && cast(in);
    }
    auto name = in.name();
    if (!name) return false;
    (below ? out.below : out.above).push_back(std::move(*name));
    return cast(in);
}

bool product(Reader &in, Product &out, bool inverted) {
    if (!operand(in, out, inverted)) return false;
    while (true) {
        if (in.take("*")) {
            if (!operand(in, out, inverted)) return false;
        } else if (in.take("/")) {
            if (!operand(in, out, !inverted)) return false;
        } else {
            return true;
        }
    }
}

// round(x), round(x, n), coalesce(x, 0), (x) and x itself.
bool whole(Reader &in, Product &out) {
    const Reader start = in.mark();
    for (const std::string_view function : {"round", "coalesce"}) {
        if (!in.take(function)) continue;
        if (!in.take("(") || !whole(in, out)) return false;
        if (in.take(",") && !in.number()) return false;
        return in.take(")") && cast(in);
    }
    if (product(in, out, false)) return true;
    // Parentheses around a function.
    in = start;
    out = {};
    return in.take("(") && whole(in, out) && in.take(")") && cast(in);
}

}  // namespace

std::optional<Quotient> quotient_of(std::string_view formula) {
    Reader in(formula);
    Product found;
    if (!whole(in, found) || !in.at_end()) return std::nullopt;
    if (found.above.size() != 1 || found.below.size() != 1) return std::nullopt;
    if (found.factor != 1 && found.factor != 100) return std::nullopt;
    return Quotient{found.above[0], found.below[0], found.factor == 100};
}

}  // namespace kpi
