// A workbook of one sheet, written as it grows: a ZIP whose sizes stand behind each file (data
// descriptors), so that nothing is kept: an export of any size takes no memory and no disk. That is
// why it is not src/report's libxlsxwriter, which has a byte to send only after the last row, and
// would compress all of them in one go on the thread that serves the database. Sources: ECMA-376
// (SpreadsheetML), PKWARE APPNOTE 6.3.
#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <charconv>

#include "core/dates.hpp"
#include "core/error.hpp"
#include "core/markup.hpp"
#include "core/utf8.hpp"
#include "web/sheet.hpp"

namespace kpi::web {
namespace {

constexpr const char *kContentTypes =
    R"(<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>)";
constexpr const char *kRelations =
    R"(<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>)";
constexpr const char *kWorkbook =
    R"(<?xml version="1.0" encoding="UTF-8" standalone="yes"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="KPIs" sheetId="1" r:id="rId1"/></sheets></workbook>)";
constexpr const char *kWorkbookRelations =
    R"(<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>)";
// Cell formats: 0 plain, 1 day, 2 instant, 3 bold.
constexpr const char *kStyles =
    R"(<?xml version="1.0" encoding="UTF-8" standalone="yes"?><styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/><numFmt numFmtId="165" formatCode="yyyy\-mm\-dd\ hh:mm:ss"/></numFmts><fonts count="2"><font/><font><b/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="4"><xf/><xf numFmtId="164" applyNumberFormat="1"/><xf numFmtId="165" applyNumberFormat="1"/><xf fontId="1" applyFont="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>)";
constexpr const char *kSheetHead =
    R"(<?xml version="1.0" encoding="UTF-8" standalone="yes"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>)";
constexpr const char *kSheetEnd = "</sheetData></worksheet>";
constexpr uint32_t kDosDate = (1 << 5) | 1;  // 1 January 1980: bytes do not depend on the clock
constexpr size_t kDeflated = 64 << 10;
constexpr size_t kCellLength = 32767;  // a sheet's limit, in characters

void little(std::string &out, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i, value >>= 8) out.push_back(static_cast<char>(value & 0xff));
}

// Files into a ZIP, one after the other.
class Zip {
public:
    Zip() = default;
    Zip(const Zip &) = delete;
    Zip &operator=(const Zip &) = delete;
    ~Zip() {
        if (open_) deflateEnd(&stream_);
    }

    void begin(const char *name, std::string &out) {
        files_.push_back({name, 0, 0, 0, offset_});
        const size_t before = out.size();
        little(out, 0x04034b50, 4);
        common(files_.back(), out, Sizes::behind);
        out += name;
        offset_ += out.size() - before;
        stream_ = {};
        if (deflateInit2(&stream_, 5, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            throw Error("53200", "zlib cannot start");
        open_ = true;
        files_.back().crc = crc32(0, nullptr, 0);
    }
    void write(std::string_view text, std::string &out) {
        File &file = files_.back();
        file.size += text.size();
        file.crc = crc32(file.crc, reinterpret_cast<const Bytef *>(text.data()),
                         static_cast<uInt>(text.size()));
        deflate_to(text, Z_NO_FLUSH, out);
    }
    void end(std::string &out) {
        deflate_to({}, Z_FINISH, out);
        deflateEnd(&stream_);
        open_ = false;
        const File &file = files_.back();
        const size_t before = out.size();
        little(out, 0x08074b50, 4);
        little(out, file.crc, 4);
        little(out, file.packed, 4);
        little(out, file.size, 4);
        offset_ += out.size() - before;
    }
    void finish(std::string &out) {
        const uint64_t start = offset_;
        for (const File &file : files_) {
            const size_t before = out.size();
            little(out, 0x02014b50, 4);
            little(out, 20, 2);
            common(file, out, Sizes::known);
            little(out, 0, 2 + 2 + 2 + 4);  // no comment, first disk, no attributes
            little(out, file.offset, 4);
            out += file.name;
            offset_ += out.size() - before;
        }
        little(out, 0x06054b50, 4);
        little(out, 0, 4);
        little(out, files_.size(), 2);
        little(out, files_.size(), 2);
        little(out, offset_ - start, 4);
        little(out, start, 4);
        little(out, 0, 2);
    }

private:
    struct File {
        const char *name;
        uLong crc;
        uint64_t size, packed, offset;
    };
    enum class Sizes { behind, known };

    static void common(const File &file, std::string &out, Sizes sizes) {
        const bool known = sizes == Sizes::known;
        little(out, 20, 2);
        little(out, 1 << 3 | 1 << 11, 2);  // sizes stand behind; names are UTF-8
        little(out, 8, 2);
        little(out, 0, 2);
        little(out, kDosDate, 2);
        little(out, known ? file.crc : 0, 4);
        little(out, known ? file.packed : 0, 4);
        little(out, known ? file.size : 0, 4);
        little(out, std::string_view(file.name).size(), 2);
        little(out, 0, 2);
    }

    void deflate_to(std::string_view text, int flush, std::string &out) {
        std::array<char, kDeflated> packed;
        stream_.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(text.data()));
        stream_.avail_in = static_cast<uInt>(text.size());
        do {
            stream_.next_out = reinterpret_cast<Bytef *>(packed.data());
            stream_.avail_out = kDeflated;
            deflate(&stream_, flush);
            const size_t made = kDeflated - stream_.avail_out;
            out.append(packed.data(), made);
            files_.back().packed += made;
            offset_ += made;
        } while (stream_.avail_out == 0);
    }

    std::vector<File> files_;
    z_stream stream_{};
    uint64_t offset_ = 0;
    bool open_ = false;
};

int number_at(std::string_view text, size_t at, size_t length) {
    int value = 0;
    if (at + length <= text.size())
        std::from_chars(text.data() + at, text.data() + at + length, value);
    return value;
}

// Days since 30 December 1899, which is how sheets count. They know no year before 1900 and give
// that one a day too many; years of five digits are theirs no more: nullopt, the cell is a text.
std::optional<double> serial_of(std::string_view text) {
    constexpr int kFirstOf2000 = 36526;
    if (text.size() < 10 || text[4] != '-' || text.ends_with("BC")) return std::nullopt;
    const Date day = parse_date(text.substr(0, 10));
    if (civil(day).year <= 1900) return std::nullopt;
    const double seconds =
        number_at(text, 11, 2) * 3600.0 + number_at(text, 14, 2) * 60.0 + number_at(text, 17, 2);
    return kFirstOf2000 + day.days + seconds / 86400;
}

std::string text_cell(std::string_view text, const char *attributes = "") {
    return fmt::format("<c{} t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>",
                       attributes, markup_escaped(clipped(clean(text), kCellLength)));
}

class Xlsx : public Sheet {
public:
    void head(const std::vector<Column> &columns, std::string &out) override {
        columns_ = columns;
        for (const auto &[name, content] : {std::pair{"[Content_Types].xml", kContentTypes},
                                            {"_rels/.rels", kRelations},
                                            {"xl/workbook.xml", kWorkbook},
                                            {"xl/_rels/workbook.xml.rels", kWorkbookRelations},
                                            {"xl/styles.xml", kStyles}}) {
            zip_.begin(name, out);
            zip_.write(content, out);
            zip_.end(out);
        }
        zip_.begin("xl/worksheets/sheet1.xml", out);
        std::string text = kSheetHead;
        text += "<row>";
        for (const Column &column : columns) text += text_cell(column.name, " s=\"3\"");
        zip_.write(text + "</row>", out);
    }
    void row(const Cells &cells, std::string &out) override {
        std::string text = "<row>";
        for (size_t i = 0; i < cells.size(); ++i) write(columns_[i].kind, cells[i], text);
        zip_.write(text + "</row>", out);
    }
    void end(std::string &out) override {
        zip_.write(kSheetEnd, out);
        zip_.end(out);
        zip_.finish(out);
    }
    const char *type() const override {
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    }

private:
    static void write(Column::Kind kind, const std::optional<std::string_view> &cell,
                      std::string &out) {
        if (!cell) {
            out += "<c/>";
            return;
        }
        const bool finite = cell->find_first_of("NIi") == std::string_view::npos;
        const bool is_day = kind == Column::Kind::day, is_time = kind == Column::Kind::instant;
        const auto serial = finite && (is_day || is_time) ? serial_of(*cell) : std::nullopt;
        if (kind == Column::Kind::number && finite)
            out += fmt::format("<c><v>{}</v></c>", *cell);
        else if (kind == Column::Kind::boolean)
            out += fmt::format("<c t=\"b\"><v>{}</v></c>", *cell == "t" ? 1 : 0);
        else if (serial)
            out += fmt::format("<c s=\"{}\"><v>{}</v></c>", is_day ? 1 : 2, *serial);
        else
            out += text_cell(*cell);
    }

    Zip zip_;
    std::vector<Column> columns_;
};

}  // namespace

std::unique_ptr<Sheet> make_xlsx() { return std::make_unique<Xlsx>(); }

}  // namespace kpi::web
