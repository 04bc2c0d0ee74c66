#include "web/sheet.hpp"

#include <nlohmann/json.hpp>

namespace kpi::web {
namespace {

// PostgreSQL's "2026-11-28 10:00:00+00", of a session in UTC, as RFC 3339 and the other answers
// have it. Not the years that have no such form (BC, infinity).
std::string iso_of(std::string_view instant) {
    std::string out(instant);
    if (!out.ends_with("+00")) return out;
    if (const size_t space = out.find(' '); space != std::string::npos) out[space] = 'T';
    return out + ":00";
}

class Csv : public Sheet {
public:
    void head(const std::vector<Column> &columns, std::string &out) override {
        columns_ = columns;
        for (size_t i = 0; i < columns.size(); ++i) {
            if (i > 0) out += ',';
            write(columns[i].name, out);
        }
        out += "\r\n";
    }
    void row(const Cells &cells, std::string &out) override {
        for (size_t i = 0; i < cells.size(); ++i) {
            if (i > 0) out += ',';
            if (!cells[i]) continue;
            if (columns_[i].kind == Column::Kind::text)
                write(*cells[i], out);
            else if (columns_[i].kind == Column::Kind::instant)
                out += iso_of(*cells[i]);
            else
                out += *cells[i];
        }
        out += "\r\n";
    }
    void end(std::string &) override {}
    const char *type() const override { return "text/csv; charset=utf-8"; }

private:
    static void write(std::string_view text, std::string &out) {
        const bool is_formula = text.find_first_of("=+-@\t\r") == 0;
        const bool quoted = is_formula || text.find_first_of(",\"\r\n") != std::string_view::npos;
        if (quoted) out += '"';
        if (is_formula) out += '\'';
        for (const char c : text) {
            if (c == '"') out += '"';
            out += c;
        }
        if (quoted) out += '"';
    }

    std::vector<Column> columns_;
};

class Json : public Sheet {
public:
    void head(const std::vector<Column> &columns, std::string &out) override {
        columns_ = columns;
        out += '[';
    }
    void row(const Cells &cells, std::string &out) override {
        out += first_ ? "\n{" : ",\n{";
        first_ = false;
        for (size_t i = 0; i < cells.size(); ++i) {
            if (i > 0) out += ',';
            out += quoted(columns_[i].name) + ':';
            const auto kind = columns_[i].kind;
            if (!cells[i])
                out += "null";
            else if (kind == Column::Kind::boolean)
                out += *cells[i] == "t" ? "true" : "false";
            else if (kind == Column::Kind::number)
                // NaN and infinities are no JSON.
                out += cells[i]->find_first_of("NI") == std::string_view::npos ? *cells[i] : "null";
            else if (kind == Column::Kind::instant)
                out += quoted(iso_of(*cells[i]));
            else
                out += quoted(*cells[i]);
        }
        out += '}';
    }
    void end(std::string &out) override { out += "\n]\n"; }
    const char *type() const override { return "application/json; charset=utf-8"; }

private:
    static std::string quoted(std::string_view text) {
        return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    }

    std::vector<Column> columns_;
    bool first_ = true;
};

}  // namespace

std::unique_ptr<Sheet> make_sheet(const std::string &format) {
    if (format == "json") return std::make_unique<Json>();
    if (format == "xlsx") return make_xlsx();
    return std::make_unique<Csv>();
}

}  // namespace kpi::web
