#include "web/export.hpp"

#include <algorithm>

#include "web/log.hpp"
#include "web/session.hpp"
#include "web/sheet.hpp"
#include "web/site.hpp"

namespace kpi::web {
namespace {

constexpr size_t kPart = 64 << 10;
constexpr int kUnderWay = 2;

// PostgreSQL's type oids, fixed for ever.
Column::Kind kind_of(unsigned type) {
    switch (type) {
        case 16:
            return Column::Kind::boolean;
        case 20:
        case 21:
        case 23:
        case 700:
        case 701:
        case 1700:
            return Column::Kind::number;
        case 1082:
            return Column::Kind::day;
        case 1184:
            return Column::Kind::instant;
        default:
            return Column::Kind::text;
    }
}

Response head_response(const Download &wanted, const Sheet &sheet) {
    Response out;
    out.body = std::make_shared<const Body>("", sheet.type());
    out.is_open_ended = true;
    out.cache = "no-store";
    out.headers.emplace_back("Content-Disposition",
                             "attachment; filename=\"" + wanted.name + "." + wanted.format + "\"");
    return out;
}

// On the database thread it takes rows and makes parts; on the session's thread these are written.
class Export : public RowReader, public std::enable_shared_from_this<Export> {
public:
    Export(std::shared_ptr<Session> session, Site &site, Download wanted)
        : session_(std::move(session)),
          site_(site),
          wanted_(std::move(wanted)),
          sheet_(make_sheet(wanted_.format)) {}

    void start() {
        session_->watch_client(
            [self = shared_from_this()] { self->on_database([self] { self->gone(); }); });
        on_database([self = shared_from_this()] {
            self->site_.pool.stream(
                self->wanted_.question, self,
                [self](std::shared_ptr<Link> link) { self->take_link(std::move(link)); },
                [self](const Reply &reply) { self->ended(reply); });
        });
    }

    bool take(const PGresult *result) override {
        if (!began_) head(result);
        for (int r = 0; r < PQntuples(result); ++r) {
            cells_.clear();
            for (int c = 0; c < PQnfields(result); ++c)
                cells_.push_back(PQgetisnull(result, r, c)
                                     ? std::nullopt
                                     : std::optional<std::string_view>(
                                           std::in_place, PQgetvalue(result, r, c),
                                           static_cast<size_t>(PQgetlength(result, r, c))));
            sheet_->row(cells_, text_);
        }
        if (text_.size() >= kPart) send();
        return under_way_ < kUnderWay;
    }

private:
    void head(const PGresult *result) {
        began_ = true;
        std::vector<Column> columns;
        columns.reserve(static_cast<size_t>(PQnfields(result)));
        for (int c = 0; c < PQnfields(result); ++c)
            columns.push_back({kind_of(PQftype(result, c)), PQfname(result, c)});
        on_session([response = head_response(wanted_, *sheet_)](Session &session) {
            session.begin(response);
        });
        sheet_->head(columns, text_);
    }

    void send() {
        ++under_way_;
        on_session([self = shared_from_this(), text = std::exchange(text_, {})](Session &session) {
            if (!session.is_open()) return self->on_database([self] { self->gone(); });
            self->parts_.push_back(text);
            if (self->parts_.size() == 1) self->write_next();
        });
    }

    // On the session's thread: one part is written at a time.
    void write_next() {
        session_->part(parts_.front(), [self = shared_from_this()] {
            if (!self->session_->is_open()) return self->on_database([self] { self->gone(); });
            self->parts_.erase(self->parts_.begin());
            if (!self->parts_.empty())
                self->write_next();
            else if (self->whole_)
                self->session_->end(true);
            self->on_database([self] {
                --self->under_way_;
                if (self->link_) self->link_->resume();
            });
        });
    }

    // Called before the first statement is sent, and gone() perhaps before that.
    void take_link(std::shared_ptr<Link> link) {
        link_ = std::move(link);
        if (is_gone_) on_database([self = shared_from_this()] { self->gone(); });
    }

    void gone() {
        is_gone_ = true;
        if (link_) link_->abandon();
    }

    void ended(const Reply &reply) {
        link_.reset();
        if (is_gone_) return;
        if (reply.error && !began_)
            return on_session(
                [error = refusal(*reply.error)](Session &session) { session.refuse(error); });
        if (reply.error) {
            log("an export broke off: " + reply.error->message);
            return on_session([](Session &session) { session.end(false); });
        }
        sheet_->end(text_);
        send();
        on_session([self = shared_from_this()](Session &session) {
            self->whole_ = true;
            if (self->parts_.empty()) session.end(true);
        });
    }

    template <class Do>
    void on_session(Do what) {
        asio::post(session_->executor(),
                   [session = session_, what = std::move(what)] { what(*session); });
    }
    template <class Do>
    void on_database(Do what) {
        asio::post(site_.database, std::move(what));
    }

    std::shared_ptr<Session> session_;
    Site &site_;
    Download wanted_;
    // On the database thread.
    std::unique_ptr<Sheet> sheet_;
    std::shared_ptr<Link> link_;
    Cells cells_;
    std::string text_;
    bool began_ = false, is_gone_ = false;
    int under_way_ = 0;
    // On the session's thread.
    std::vector<std::string> parts_;
    bool whole_ = false;
};

}  // namespace

void start_export(const std::shared_ptr<Session> &session, Site &site, Download &&wanted) {
    std::make_shared<Export>(session, site, std::move(wanted))->start();
}

Response export_head(const Download &wanted) {
    return head_response(wanted, *make_sheet(wanted.format));
}

}  // namespace kpi::web
