#include "engine/source/dependents.hpp"

#include "pg/sql.hpp"

namespace kpi::engine {
namespace {

// pg_depend upwards, with the three steps it does not record as we need them: a rule stands for its
// view, a domain's constraint for the domain, the row of a composite type for the type. UNION keeps
// each object once, so cycles end. Triggers, defaults, policies and statistics do not change what
// a view shows and are left out; a column with a type stands for its whole table.
constexpr const char *kSourcesOver = R"(
WITH RECURSIVE reached (classid, objid) AS (
    SELECT $1::pg_catalog.regclass::pg_catalog.oid, $2::pg_catalog.oid
     UNION
    SELECT n.classid, n.objid FROM reached r
     CROSS JOIN LATERAL (
           SELECT d.classid, d.objid FROM pg_catalog.pg_depend d
            WHERE d.refclassid = r.classid AND d.refobjid = r.objid AND d.deptype IN ('n', 'a', 'i')
              AND d.classid IN ('pg_catalog.pg_class'::pg_catalog.regclass,
                  'pg_catalog.pg_rewrite'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass,
                  'pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass,
                  'pg_catalog.pg_constraint'::pg_catalog.regclass, 'pg_catalog.pg_cast'::pg_catalog.regclass,
                  'pg_catalog.pg_opclass'::pg_catalog.regclass, 'pg_catalog.pg_opfamily'::pg_catalog.regclass,
                  'pg_catalog.pg_collation'::pg_catalog.regclass, 'pg_catalog.pg_ts_config'::pg_catalog.regclass,
                  'pg_catalog.pg_ts_dict'::pg_catalog.regclass)
            UNION ALL
           SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, w.ev_class FROM pg_catalog.pg_rewrite w
            WHERE r.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = r.objid
              AND w.ev_type = '1'
            UNION ALL
           SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, c.contypid FROM pg_catalog.pg_constraint c
            WHERE r.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND c.oid = r.objid
              AND c.contypid <> 0
            UNION ALL
           SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, c.reltype FROM pg_catalog.pg_class c
            WHERE r.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = r.objid
              AND c.relkind = 'c') n)
SELECT s.name, s.facts::pg_catalog.oid FROM kpi.source s
 WHERE EXISTS (SELECT FROM reached r WHERE r.objid = s.facts
                  AND r.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
 ORDER BY s.name)";

}  // namespace

std::vector<Dependent> sources_over(const std::string &catalog, ObjectId object) {
    std::vector<Dependent> out;
    for (const Row &row : pg::query(kSourcesOver, {"pg_catalog." + catalog, object}).rows)
        out.push_back({*row[0], ObjectId{uint32_t(std::stoul(*row[1]))}});
    return out;
}

}  // namespace kpi::engine
