#include "engine/source/add_measure.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "engine/registry/triggers.hpp"
#include "engine/rollup/settings.hpp"
#include "engine/source/owner.hpp"
#include "engine/source/registration.hpp"
#include "engine/source/track.hpp"
#include "engine/view/analysis.hpp"
#include "pg/lock.hpp"
#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

// The facts of frozen days may be gone: nobody knows what the measure was then.
void refuse_frozen(const Layout &source) {
    if (source.info.frozen_before == "-infinity") return;
    throw Error("55000", fmt::format("source \"{}\" has frozen days", source.name()),
                fmt::format("Days before {} are not read from the facts view any more, so that "
                            "their values of a new measure would be unknown.",
                            source.info.frozen_before),
                fmt::format("SELECT kpi.freeze('{}', '-infinity') thaws them where the facts are "
                            "still there; otherwise track another view with the measure.",
                            source.name()));
}

// Changes that wait for the commit have the shape of the old tables.
void refuse_own_changes(const Layout &source) {
    if (!source.by_trigger() ||
        !pg::value(fmt::format("SELECT true FROM kpi._pending(NULL::{}) LIMIT 1", source.delta)))
        return;
    throw Error("55006",
                fmt::format("this transaction has changed rows of source \"{}\"", source.name()),
                {}, "Call kpi.add_measure in a transaction of its own.");
}

void check_base(const Layout &source) {
    if (!source.by_trigger()) return;
    if (pg::value("SELECT pg_catalog.pg_has_role(relowner, 'USAGE') FROM pg_catalog.pg_class "
                  "WHERE oid = $1",
                  {source.base}) != "t")
        throw Error("42501", fmt::format("must be owner of table {}", pg::qualified(source.base)));
}

// That capture can evaluate the column as well.
void check_capture(const Layout &source, const std::string &column, bool counted) {
    if (!source.by_trigger()) {
        if (!counted) return;
        throw Error("0A000", "aggregates need trigger capture",
                    fmt::format("Source \"{}\" has window capture.", source.name()),
                    "Only a sum can be added to it.");
    }
    const capture::Refusal refusal = capture::analyze(source.info.facts, {column}).refusal;
    if (refusal.refused)
        throw Error(refusal.sqlstate, "cannot capture by trigger: " + refusal.message,
                    refusal.detail, refusal.hint);
}

size_t place_of(const FactsColumns &columns, const std::string &sum) {
    const auto found = std::find_if(columns.measures.begin(), columns.measures.end(),
                                    [&](const NewMeasure &measure) { return measure.name == sum; });
    if (found != columns.measures.end()) return size_t(found - columns.measures.begin());
    throw Error("42703", fmt::format("the facts view has no column \"{}\" that can be summed", sum),
                "A sum is of a numeric column that is neither time nor dimension.");
}

// The base table first: a writer has it and will want the delta. All in one short try, so that
// writers never wait for a reader or a merge that we wait for.
void lock_all(const Layout &source) {
    std::vector<ObjectId> relations;
    for (const char *suffix : {"delta", "rollup_day", "rollup_hour", "so_far", "daily", "hourly"}) {
        const auto id = pg::value("SELECT pg_catalog.to_regclass($1)::pg_catalog.oid",
                                  {data_table(source.name(), suffix)});
        if (id) relations.push_back(ObjectId{uint32_t(std::stoul(*id))});
    }
    lock_with_base(source.by_trigger() ? source.base : ObjectId{}, relations);
}

}  // namespace

void add_measure(const std::string &text, const std::string &name, const std::string &definition) {
    const pg::LocalSettings settings = plain_settings();
    const std::string source_name = source_named(text, pg::Access::read_write);
    // Two at a time would take the same position.
    pg::lock_name("kpi.add_measure " + source_name, pg::Sharing::exclusive);
    const Layout source = owned_source(source_name);
    check_base(source);
    const auto sum = parse_sum(name, definition);
    Registered known = *registered(source.info.facts);
    if (sum)
        known.measures.push_back(*sum);
    else
        known.aggregates.push_back(parse_aggregate(name, definition));
    check_count(known.aggregates.size());
    check_measure_name(name);
    const FactsColumns columns = sort_columns(source.info.facts, known.time_column,
                                              known.dimensions, known.aggregates, known.measures);
    if (!sum) check_size(source.facts, columns.time_column, known.aggregates.back());
    check_capture(source, sum ? *sum : known.aggregates.back().column, !sum);
    refuse_frozen(source);
    refuse_own_changes(source);
    if (sum) (void)place_of(columns, *sum);
    {
        const pg::RunAs as_extension_owner(pg::extension_owner());
        lock_all(source);
        if (sum) {
            const size_t place = place_of(columns, *sum);
            const int position = int(source.info.measures.size()) + 1;
            register_sum({source_name, source.info.owner}, *sum, position,
                         columns.measure_types[place]);
            add_column(source_name, position, columns.measures[place]);
        } else {
            const NewCounted &counted = columns.counted.back();
            const NewKept &kept = columns.kept[size_t(counted.position) - 1];
            register_counted({source_name, source.info.owner}, counted, kept);
            if (size_t(counted.position) > source.info.kept.size())
                add_column(source_name, counted.position, kept);
        }
        create_typed_views(source_name, source.info.owner);
    }
    mark_dirty(source_name, fmt::format("measure \"{}\" added", name));
}

}  // namespace kpi::engine
