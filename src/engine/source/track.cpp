#include "engine/source/track.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "engine/registry/metrics.hpp"
#include "engine/registry/source_info.hpp"
#include "engine/registry/tables.hpp"
#include "engine/registry/triggers.hpp"
#include "engine/rollup/upkeep.hpp"
#include "engine/source/registration.hpp"
#include "engine/view/analysis.hpp"
#include "pg/bell.hpp"
#include "pg/lock.hpp"
#include "pg/slots.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

struct Facts {
    ObjectId id, owner;
    std::string name, text;  // bare and qualified
};

Facts check_facts(ObjectId facts) {
    const Table t = pg::query(
        "SELECT c.relkind, c.relname, c.relowner, pg_catalog.pg_has_role(c.relowner, 'USAGE'), "
        "c.relpersistence "
        "FROM pg_catalog.pg_class c WHERE c.oid = $1",
        {facts});
    if (t.empty())
        throw Error("42P01", fmt::format("relation with OID {} does not exist", facts.value));
    const Row &row = t.rows[0];
    Facts out{facts, ObjectId{uint32_t(std::stoul(*row[2]))}, *row[1], pg::qualified(facts)};
    if (*row[0] == "m")
        throw Error("42809", fmt::format("{} is a materialized view", out.text),
                    "Its rows are as old as its last refresh.",
                    "Track an ordinary view with the same query.");
    if (*row[0] != "v")
        throw Error(
            "42809", fmt::format("{} is not a view", out.text),
            "A source is described by a view: one row per event.",
            fmt::format("CREATE VIEW {0}_facts AS SELECT ... FROM {0}; and track that.", out.name));
    if (*row[4] == "t")
        throw Error("0A000", fmt::format("{} is a temporary view", out.text), {},
                    "Create it in a permanent schema.");
    if (*row[3] != "t") throw Error("42501", fmt::format("must be owner of view {}", out.text));
    return out;
}

std::string check_zone(const std::optional<std::string> &wanted) {
    std::string zone =
        wanted ? *wanted : *pg::value("SELECT pg_catalog.current_setting('TimeZone')");
    const Table t = pg::query(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_timezone_names WHERE pg_catalog.lower(name) = "
        "pg_catalog.lower($1)), "
        "EXISTS (SELECT FROM pg_catalog.pg_timezone_abbrevs WHERE pg_catalog.lower(abbrev) = "
        "pg_catalog.lower($1) "
        "  AND pg_catalog.lower(abbrev) NOT IN ('utc', 'gmt'))",
        {zone});
    if (*t.rows[0][0] == "t" && *t.rows[0][1] != "t") return zone;
    throw Error("22023", fmt::format("\"{}\" is not the name of a time zone", zone), {},
                wanted ? "Use a full name such as 'Europe/Madrid' or 'UTC' (see pg_timezone_names)."
                       : "The session's TimeZone is used by default: pass timezone => "
                         "'Europe/Madrid', for example.");
}

std::string check_name(const std::optional<std::string> &wanted, const Facts &facts) {
    std::string name;
    if (wanted) {
        name = *wanted;
    } else {
        for (const char c : facts.name)
            name += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ? c
                    : c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a')
                                           : '_';
        if (name[0] >= '0' && name[0] <= '9') name = "_" + name;
        name = name.substr(0, 40);
    }
    const auto ok = pg::value("SELECT $1 ~ '^[a-z_][a-z0-9_]{0,39}$'", {name});
    if (*ok != "t")
        throw Error("42602", fmt::format("\"{}\" is not a name for a source", name), {},
                    "Use up to 40 lower-case letters, digits and underscores.");
    const Table t =
        pg::query("SELECT name FROM kpi.source WHERE name = $1 OR facts = $2", {name, facts.id});
    if (!t.empty())
        throw Error(
            "42710",
            *t.rows[0][0] == name
                ? fmt::format("source \"{}\" exists already", name)
                : fmt::format("{} is tracked already, as source \"{}\"", facts.text, *t.rows[0][0]),
            {},
            *t.rows[0][0] == name ? "Pass another name => '...', or kpi.untrack the old one first."
                                  : "kpi.untrack it first to track it anew.");
    return name;
}

void check_measure_names(const FactsColumns &columns) {
    std::vector<std::string> names;
    for (const NewMeasure &measure : columns.measures) names.push_back(measure.name);
    for (const NewCounted &measure : columns.counted) {
        if (std::find(names.begin(), names.end(), measure.name) != names.end())
            throw Error("42710",
                        fmt::format("aggregate \"{}\" has the name of a measure", measure.name),
                        "Every numeric column of the facts view is a measure of its own name.",
                        "Name the aggregate differently.");
        names.push_back(measure.name);
    }
    for (const std::string &name : names) check_measure_name(name);
}

// What one recompute of the window costs, as the planner sees it, for the notice.
std::string window_cost(const Facts &facts, const TrackRequest &request) {
    const auto plan = pg::value(fmt::format("EXPLAIN (FORMAT JSON) SELECT * FROM {}", facts.text));
    const Table t = pg::query(
        "SELECT ($1::pg_catalog.json -> 0 -> 'Plan' ->> 'Total Cost'), "
        "($1::pg_catalog.json -> 0 -> 'Plan' ->> 'Plan Rows')",
        {*plan});
    return fmt::format(
        "Window capture recomputes the last {} of it again and again, and sees older changes only "
        "after "
        "kpi.rebuild; one full read costs {} in the planner's units, for about {} rows.",
        request.lookback, *t.rows[0][0], *t.rows[0][1]);
}

// Longer ones would leave the calendar.
constexpr const char *kLongest = "6000 years";

void check_duration(const char *argument, const std::string &duration, const char *example) {
    const std::string interval = "$1::pg_catalog.interval";
    if (pg::value(fmt::format("SELECT {0} > '0' AND {0} <= '{1}'", interval, kLongest),
                  {duration}) == "t")
        return;
    throw Error(
        "22023",
        fmt::format("{} must be positive and at most {}, not {}", argument, kLongest, duration), {},
        fmt::format("For example {} => '{}'.", argument, example));
}

enum class Capture { trigger, window };

Capture choose_capture(const Facts &facts, const TrackRequest &request, const FactsColumns &columns,
                       ObjectId *base) {
    if (request.capture != "auto" && request.capture != "trigger" && request.capture != "window")
        throw Error("22023", fmt::format("\"{}\" is not a capture mode", request.capture), {},
                    "Use auto, trigger or window.");
    std::vector<std::string> names{columns.time_column};
    for (const auto &dimension : columns.dimensions) names.push_back(dimension.name);
    for (const auto &measure : columns.measures) names.push_back(measure.name);
    for (const auto &kept : columns.kept) names.push_back(kept.value.name);
    const capture::Analysis analysis = capture::analyze(facts.id, names);
    *base = analysis.base;
    const capture::Refusal &refusal = analysis.refusal;
    const bool window = request.capture == "window" ||
                        (request.capture == "auto" && refusal.refused && refusal.structural);
    if (window && !columns.counted.empty())
        throw Error(
            "0A000",
            fmt::format("aggregates such as \"{}\" need trigger capture", columns.counted[0].name),
            request.capture == "window"
                ? std::string()
                : "Window capture would be chosen: " + refusal.message + ".",
            "Track a view of one table, or leave the aggregates out.");
    if (request.capture == "window") {
        *base = {};
        return Capture::window;
    }
    if (!refusal.refused) return Capture::trigger;
    if (window) {
        pg::log(pg::Level::notice,
                fmt::format("{} gets window capture: {}", facts.text, refusal.message),
                window_cost(facts, request));
        return Capture::window;
    }
    const std::string cost =
        refusal.sqlstate == "0A000" && refusal.hint.find("window") != std::string::npos
            ? (refusal.detail.empty() ? "" : " ") + window_cost(facts, request)
            : std::string();
    throw Error(refusal.sqlstate, "cannot capture by trigger: " + refusal.message,
                refusal.detail + cost, refusal.hint);
}

void register_source(const std::string &name, const Facts &facts, ObjectId base,
                     const std::string &zone, const TrackRequest &request,
                     const FactsColumns &columns) {
    std::vector<std::string> dimensions;
    for (const auto &dimension : columns.dimensions) dimensions.push_back(dimension.name);
    pg::execute(
        "INSERT INTO kpi.source (name, facts, base, time_column, dimensions, timezone, capture, "
        "lookback, hour_retention, "
        "hours_from) VALUES ($1, $2, nullif($3, 0::pg_catalog.oid), $4, $5::pg_catalog.name[], $6, "
        "$7, "
        "$8::pg_catalog.interval, $9::pg_catalog.interval, "
        "((pg_catalog.now() AT TIME ZONE $6) - $9::pg_catalog.interval)::pg_catalog.date)",
        {name, facts.id, base, columns.time_column, dimensions, zone,
         std::string(base.value == 0 ? "window" : "trigger"), request.lookback,
         request.hour_retention});
    pg::execute("INSERT INTO kpi.source_state (source) VALUES ($1)", {name});
    const MeasureOwner owner{name, facts.owner};
    for (size_t i = 0; i < columns.measures.size(); ++i)
        register_sum(owner, columns.measures[i].name, int(i + 1), columns.measure_types[i]);
    for (const NewCounted &measure : columns.counted)
        register_counted(owner, measure, columns.kept[size_t(measure.position) - 1]);
}

std::string qualified_or_empty(ObjectId relation) {
    return relation.value == 0 ? std::string() : pg::qualified(relation);
}

}  // namespace

void mark_dirty(const std::string &source, const std::string &why) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    // One mark of this transaction is enough; another transaction's may be repaired away before
    // this one commits.
    pg::execute(
        "INSERT INTO kpi.dirty (source, \"from\", \"to\", why) "
        "SELECT $1, '-infinity', 'infinity', $2 WHERE NOT EXISTS ("
        "SELECT FROM kpi.dirty d WHERE d.source = $1 AND d.\"from\" = '-infinity' "
        "AND d.\"to\" = 'infinity' AND d.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid)",
        {source, why});
    pg::ring_at_commit();
}

Prepared prepare(const TrackRequest &request) {
    const Facts facts = check_facts(request.facts);
    const std::vector<Aggregate> aggregates = parse_aggregates(request.aggregates);
    const FactsColumns columns =
        sort_columns(request.facts, request.time_column, request.dimensions, aggregates);
    const std::string name = check_name(request.name, facts);
    const std::string zone = check_zone(request.timezone);
    check_measure_names(columns);
    for (const Aggregate &aggregate : aggregates)
        check_size(facts.text, columns.time_column, aggregate);
    check_duration("lookback", request.lookback, "3 days");
    check_duration("hour_retention", request.hour_retention, "60 days");
    if (request.build != "auto" && request.build != "now")
        throw Error("22023", fmt::format("\"{}\" is not a way to build", request.build), {},
                    "Use auto (the worker or kpi.work() builds) or now (in this transaction, "
                    "keeping its locks).");
    ObjectId base;
    const Capture capture = choose_capture(facts, request, columns, &base);
    if (capture == Capture::trigger &&
        *pg::value("SELECT pg_catalog.pg_has_role(relowner, 'USAGE') FROM pg_catalog.pg_class "
                   "WHERE oid = $1",
                   {base}) != "t")
        throw Error("42501", fmt::format("must be owner of table {}", pg::qualified(base)));
    {
        const pg::RunAs as_extension_owner(pg::extension_owner());
        register_source(name, facts, base, zone, request, columns);
        create_tables({name, columns.dimensions, columns.measures, columns.kept, facts.owner});
        create_typed_views(name, facts.owner);
    }
    mark_dirty(name, "new");
    return {name, base};
}

void start_capture(const std::vector<Prepared> &sources) {
    std::string bases;
    for (const Prepared &source : sources)
        if (source.base.value != 0)
            bases += (bases.empty() ? "" : ", ") + pg::qualified(source.base);
    if (bases.empty()) return;
    lock_bases(bases, "SHARE ROW EXCLUSIVE");
    for (const Prepared &source : sources) {
        if (source.base.value == 0) continue;
        create_row_trigger(source.name, source.base);
        create_truncate_triggers(source.name, source.base);
    }
}

std::string track(const TrackRequest &request) {
    const Prepared source = prepare(request);
    start_capture({source});
    if (request.build == "now")
        while (repair(source.name).more) {
        }
    return source.name;
}

void forget(const std::string &source) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    drop_tables(source);
    pg::execute("DELETE FROM kpi.metric WHERE measure = ANY ($1)", {measures_of(source)});
    for (const char *table : {"measure", "counted", "dirty", "source_state", "capture_error"})
        pg::execute(fmt::format("DELETE FROM kpi.{} WHERE source = $1", table), {source});
    pg::query("SELECT kpi._forget_checks($1)", {source});
    pg::execute("DELETE FROM kpi.source WHERE name = $1", {source});
}

void lock_to_untrack(const std::vector<std::string> &sources) {
    const pg::RunAs as_extension_owner(pg::extension_owner());
    const auto bases = pg::value(
        "SELECT pg_catalog.string_agg(DISTINCT pg_catalog.format('%I.%I', n.nspname, c.relname), "
        "', ') FROM kpi.source s JOIN pg_catalog.pg_class c ON c.oid = s.base "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE s.name = ANY ($1)",
        {sources});
    if (bases) lock_bases(*bases, "ACCESS EXCLUSIVE");
}

void untrack(const std::string &name) {
    const std::string source = source_named(name, pg::Access::read_write);
    const Table t = pg::query(
        "SELECT coalesce(s.base, 0)::pg_catalog.oid, s.facts::pg_catalog.oid, "
        "pg_catalog.pg_has_role(c.relowner, 'USAGE') "
        "FROM kpi.source s LEFT JOIN pg_catalog.pg_class c ON c.oid = s.facts WHERE s.name = $1",
        {source});
    if (t.rows[0][2] && *t.rows[0][2] != "t")
        throw Error("42501", fmt::format("must be owner of source {}", source), {},
                    "The source belongs to the owner of its facts view.");
    if (const auto users = metrics_over(measures_of(source)); !users.empty())
        throw Error(
            "2BP01",
            fmt::format("cannot untrack source \"{}\" because metrics use its measures", source),
            fmt::format("They are: {}.", fmt::join(users, ", ")), "kpi.undefine them first.");
    const ObjectId base{uint32_t(std::stoul(*t.rows[0][0]))};
    const pg::RunAs as_extension_owner(pg::extension_owner());
    // Base before everything else: a writer has it and will want the delta.
    if (const std::string table = qualified_or_empty(base); !table.empty()) {
        lock_bases(table, "ACCESS EXCLUSIVE");
        const Table triggers = pg::query(
            "SELECT t.tgname, t.tgrelid::pg_catalog.oid FROM pg_catalog.pg_trigger t WHERE "
            "t.tgparentid = 0 "
            "AND t.tgname IN ($2::pg_catalog.name, $3::pg_catalog.name) AND t.tgrelid IN (SELECT "
            "$1::pg_catalog.oid UNION "
            "SELECT relid FROM pg_catalog.pg_partition_tree($1::pg_catalog.regclass))",
            {base, "kpi_capture_" + source, "kpi_truncate_" + source});
        for (const Row &row : triggers.rows)
            pg::execute(fmt::format("DROP TRIGGER {} ON {}", pg::quote(*row[0]),
                                    pg::qualified(ObjectId{uint32_t(std::stoul(*row[1]))})));
    }
    forget(source);
}

}  // namespace kpi::engine
