#include "pack/pack.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/error.hpp"
#include "engine/registry/define.hpp"
#include "engine/source/track.hpp"
#include "pack/advice.hpp"
#include "pack/contents.hpp"
#include "pack/rules.hpp"
#include "pack/views.hpp"
#include "pack/watch.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::pack {
namespace {

struct Base {
    ObjectId id, owner;
    std::string schema;
};

ObjectId id(const Cell &cell) { return {uint32_t(std::stoul(*cell))}; }

std::string list(const Table &table) {
    std::string out;
    for (const Row &row : table.rows) out += (out.empty() ? "" : ", ") + *row[0];
    return out;
}

// The only table of the caller's with this name; partitions and temporary tables do not count.
std::optional<ObjectId> find_table(const std::string &name) {
    const Table t = pg::query(
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), c.oid "
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
        "AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN "
        "('information_schema', 'kpi', 'kpi_data') AND pg_catalog.pg_has_role(c.relowner, 'USAGE') "
        "ORDER BY 1",
        {name});
    if (t.rows.size() > 1)
        throw Error("42P08", fmt::format("more than one table of yours is named {}", name),
                    fmt::format("They are {}.", list(t)),
                    fmt::format("Pass {} => '{}', for example.", name, *t.rows[0][0]));
    if (t.empty()) return std::nullopt;
    return id(t.rows[0][1]);
}

Base load_base(ObjectId table) {
    const Table t = pg::query(
        "SELECT c.relowner, pg_catalog.pg_has_role(c.relowner, 'USAGE'), n.nspname, c.relkind "
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.oid = $1",
        {table});
    if (t.empty())
        throw Error("42P01", fmt::format("relation with OID {} does not exist", table.value));
    const Row &row = t.rows[0];
    if (*row[3] != "r" && *row[3] != "p")
        throw Error("42809", fmt::format("{} is not a table", pg::qualified(table)),
                    "The pack makes its own facts views over ordinary or partitioned tables.",
                    "For a view of your own call kpi.track.");
    if (*row[1] != "t")
        throw Error("42501", fmt::format("must be owner of table {}", pg::qualified(table)));
    return {table, id(row[0]), *row[2]};
}

struct Pair {
    std::optional<Base> leads, payments;
    Parts parts() const { return {leads.has_value(), payments.has_value()}; }
    const Base &any() const { return payments ? *payments : *leads; }
};

Pair find_pair(const PackRequest &request) {
    std::optional<ObjectId> leads = request.leads, payments = request.payments;
    if (!leads && !payments) {
        leads = find_table("leads");
        payments = find_table("payments");
    }
    if (!leads && !payments)
        throw Error("42P01", "no table of yours is named leads or payments", {},
                    "Pass leads => 'schema.table', payments => 'schema.table' or both.");
    Pair pair;
    if (leads) pair.leads = load_base(*leads);
    if (payments) pair.payments = load_base(*payments);
    if (leads && payments && pair.leads->owner.value != pair.payments->owner.value)
        throw Error("0A000",
                    fmt::format("{} and {} have different owners", pg::qualified(*leads),
                                pg::qualified(*payments)),
                    "The materialized views read both as one role.",
                    "Give both to one role with ALTER TABLE ... OWNER TO, or track views of your "
                    "own with kpi.track.");
    return pair;
}

SalesTable lead_table(const Base &base, const WantedColumns &wanted, Complaints &complaints) {
    Columns columns(base.id, "leads", complaints);
    SalesTable table{.table = pg::qualified(base.id)};
    table.time = columns.time(wanted.time);
    table.country = columns.country(wanted.country);
    table.source = columns.source(wanted.source);
    table.priority = columns.priority(wanted.priority);
    return table;
}

SalesTable payment_table(const Base &base, const WantedColumns &wanted, Complaints &complaints) {
    Columns columns(base.id, "payments", complaints);
    SalesTable table{.table = pg::qualified(base.id)};
    table.time = columns.time(wanted.time);
    table.country = columns.country(wanted.country);
    table.source = columns.source(wanted.source);
    table.status = columns.status(wanted.status);
    table.amount = columns.amount(wanted.amount);
    table.currency = columns.currency(wanted.currency);
    return table;
}

void remember(const std::string &object, const char *kind) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    pg::execute("INSERT INTO kpi.sales_object (object, kind) VALUES ($1::pg_catalog.regclass, $2)",
                {object, std::string(kind)});
}

// The worker's functions are not everybody's; whoever may install the pack may have it refreshed.
void watch(const std::string &view, const char *function) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    pg::query(fmt::format("SELECT kpi.{}($1::pg_catalog.regclass)", function), {view});
}

// The owner of what the pack has made, and which of its sources there are.
std::optional<std::pair<ObjectId, Parts>> installed_parts() {
    const Table found = pg::query(
        "SELECT c.relowner, pg_catalog.bool_or(s.name = 'leads'), pg_catalog.bool_or(s.name = "
        "'payments') FROM kpi.sales_object o JOIN pg_catalog.pg_class c ON c.oid = o.object JOIN "
        "kpi.source s ON s.facts = o.object WHERE pg_catalog.pg_has_role(c.relowner, 'USAGE') "
        "GROUP "
        "BY 1");
    if (found.empty()) return std::nullopt;
    const Row &row = found.rows[0];
    return std::pair{id(row[0]), Parts{row[1] == "t", row[2] == "t"}};
}

// False: there is nothing to add.
bool add_missing_rules() {
    const auto installed = installed_parts();
    if (!installed) return false;
    const auto added = add_default_rules(installed->first, installed->second);
    if (added.empty()) return false;
    pg::log(pg::Level::notice, "the sales pack was installed already: its missing rules were added",
            fmt::format("Added {}.", fmt::join(added, ", ")));
    return true;
}

class Installer {
public:
    Installer(const PackRequest &request, Pair pair)
        : request_(request),
          pair_(std::move(pair)),
          schema_(pg::quote(request.schema ? *request.schema : pair_.any().schema)) {}

    void add_leads(const SalesTable &table) {
        add_source("lead_facts", "leads", lead_dimensions(table), lead_facts_sql(table));
        advise(*pair_.leads, table);
    }
    void add_payments(const SalesTable &table, const std::optional<std::string> &currency) {
        add_source("payment_facts", "payments", payment_dimensions(table, currency),
                   payment_facts_sql(table, request_.succeeded, currency));
        advise(*pair_.payments, table);
    }
    void add_metrics() {
        for (const NewMetric &metric : metrics(pair_.parts()))
            engine::define(
                {metric.name, metric.formula, metric.unit, metric.good, metric.description});
    }
    void add_views() {
        const std::string zone =
            *pg::value("SELECT timezone FROM kpi.source WHERE name = $1", {prepared_[0].name});
        for (const MaterializedView &view : materialized_views(pair_.parts(), zone)) {
            const std::string name = schema_ + "." + view.name;
            pg::execute(
                fmt::format("CREATE MATERIALIZED VIEW {} AS {} WITH NO DATA", name, view.sql));
            pg::execute(
                fmt::format("CREATE UNIQUE INDEX {}_key ON {} ({})", view.name, name, view.key));
            pg::execute(fmt::format("COMMENT ON MATERIALIZED VIEW {} IS {}", name,
                                    pg::literal(view.comment)));
            watch(name, "watch_view");
            remember(name, "materialized view");
            made_ += ", " + name;
        }
    }
    void start() { engine::start_capture(prepared_); }
    void add_rules() { rules_ = add_default_rules(pair_.any().owner, pair_.parts()); }

    std::string made() const {
        return fmt::format("{} and {} rules (SELECT * FROM kpi.rule_status)", made_, rules_.size());
    }
    const std::vector<std::string> &advice() const { return advice_; }

private:
    void add_source(const char *view, const char *source,
                    const std::vector<std::string> &dimensions, const std::string &sql) {
        const std::string name = schema_ + "." + view;
        pg::execute(fmt::format("CREATE VIEW {} AS {}", name, sql));
        pg::execute(
            fmt::format("COMMENT ON VIEW {} IS 'Facts of source {}, made by "
                        "kpi.install_sales: one row each'",
                        name, source));
        remember(name, "facts view");
        engine::TrackRequest track;
        track.facts = id(pg::value("SELECT $1::pg_catalog.regclass::pg_catalog.oid", {name}));
        track.time_column = "at";
        track.dimensions = dimensions;
        track.name = source;
        track.timezone = request_.timezone;
        track.capture = "trigger";
        prepared_.push_back(engine::prepare(track));
        made_ += (made_.empty() ? "" : ", ") + name;
    }
    void advise(const Base &base, const SalesTable &table) {
        for (const std::string &statement : index_advice(base.id, table.time.name))
            advice_.push_back(statement);
    }

    const PackRequest &request_;
    Pair pair_;
    std::string schema_, made_;
    std::vector<std::string> rules_;
    std::vector<engine::Prepared> prepared_;
    std::vector<std::string> advice_;
};

}  // namespace

std::vector<std::string> install(const PackRequest &request) {
    const Table installed =
        pg::query("SELECT object::pg_catalog.text FROM kpi.sales_object ORDER BY 1");
    const bool again = !installed.empty();
    const bool rules_added = again && add_missing_rules();
    if (rules_added && !lacks_watch()) return {};
    if (again && !lacks_watch())
        throw Error("42710", "the sales pack is installed already",
                    fmt::format("Its objects are {}.", list(installed)),
                    "Call kpi.uninstall_sales() first to install it anew.");
    if (request.succeeded.empty())
        throw Error("22023", "no status of a successful payment is given", {},
                    "Pass succeeded => '{succeeded,paid}', for example.");
    Pair pair = find_pair(request);
    const pg::RunAs as_owner(pair.any().owner);
    // All columns before anything is made: complaints come at once, and all of them.
    std::optional<SalesTable> leads, payments;
    Complaints complaints;
    if (pair.leads) leads = lead_table(*pair.leads, request.lead_columns, complaints);
    if (pair.payments)
        payments = payment_table(*pair.payments, request.payment_columns, complaints);
    complaints.raise();
    std::optional<std::string> currency;
    if (payments) {
        currency = choose_currency(*payments, request.currency);
        warn_of_statuses(*payments, request.succeeded);
    }
    WatchedPair watched{.schema = pg::quote(request.schema ? *request.schema : pair.any().schema)};
    if (leads) watched.leads = {pair.leads->id, *leads};
    if (payments) watched.payments = {pair.payments->id, *payments};
    if (again) {
        if (const Cell schema = pg::value(
                "SELECT n.nspname FROM kpi.sales_object o JOIN pg_catalog.pg_class c ON c.oid = "
                "o.object JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE o.kind = "
                "'materialized view' LIMIT 1"))
            watched.schema = pg::quote(*schema);
        pg::log(pg::Level::notice,
                fmt::format("{} checks and probes added to the sales pack", add_watch(watched)));
        return {};
    }
    Installer installer(request, std::move(pair));
    if (leads) installer.add_leads(*leads);
    if (payments) installer.add_payments(*payments, currency);
    installer.add_metrics();
    installer.add_views();
    installer.start();
    (void)add_watch(watched);
    installer.add_rules();
    pg::log(pg::Level::notice, "sales pack installed", fmt::format("Made {}.", installer.made()),
            installer.advice().empty()
                ? std::string()
                : "Each row of the result is a statement that would help repair and kpi.verify; "
                  "run them outside a transaction block (psql: \\gexec).");
    return installer.advice();
}

void uninstall() {
    const Table objects = pg::query(
        "SELECT o.object::pg_catalog.oid, o.kind, s.name, c.relowner FROM kpi.sales_object o "
        "JOIN pg_catalog.pg_class c ON c.oid = o.object LEFT JOIN kpi.source s ON s.facts = "
        "o.object "
        "ORDER BY o.kind DESC, o.object");
    if (objects.empty() && *pg::value("SELECT NOT EXISTS (SELECT FROM kpi.sales_object)") == "t")
        throw Error("42704", "the sales pack is not installed");
    for (const Row &row : objects.rows)
        if (*pg::value("SELECT pg_catalog.pg_has_role($1::pg_catalog.oid, 'USAGE')",
                       {id(row[3])}) != "t")
            throw Error("42501", fmt::format("must be owner of {}", pg::qualified(id(row[0]))));
    remove_watch();
    std::vector<std::string> sources;
    for (const Row &row : objects.rows) {
        if (row[2]) sources.push_back(*row[2]);
        if (*row[1] != "materialized view") continue;
        const std::string view = pg::qualified(id(row[0]));
        watch(view, "unwatch_view");
        pg::execute(fmt::format("DROP MATERIALIZED VIEW {}", view));
    }
    for (const Row &row : objects.rows) drop_default_rules(id(row[3]));
    for (const NewMetric &metric : metrics({true, true}))
        if (*pg::value("SELECT EXISTS (SELECT FROM kpi.metric WHERE name = $1 AND formula = $2)",
                       {metric.name, metric.formula}) == "t")
            engine::undefine(metric.name);
    engine::lock_to_untrack(sources);
    for (const Row &row : objects.rows)
        if (*row[1] == "facts view") {
            if (row[2]) engine::untrack(*row[2]);
            pg::execute(fmt::format("DROP VIEW {}", pg::qualified(id(row[0]))));
        }
    const pg::RunAs as_extension_owner(pg::extension_owner());
    pg::execute("DELETE FROM kpi.sales_object");
}

}  // namespace kpi::pack
