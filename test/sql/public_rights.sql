-- What every role may do with the extension, object by object. A line more in this list is a decision for a review:
-- nothing here may write, read a secret, or send.
SELECT p.oid::regprocedure AS executable_by_public
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,
       aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
 WHERE n.nspname IN ('kpi', 'kpi_data') AND a.grantee = 0
 ORDER BY p.oid::regprocedure::text COLLATE "C";

SELECT c.oid::regclass AS relation, a.privilege_type AS right_of_public
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
 WHERE n.nspname IN ('kpi', 'kpi_data') AND a.grantee = 0
 ORDER BY c.oid::regclass::text COLLATE "C", 2;

SELECT n.nspname AS schema, a.privilege_type AS right_of_public
  FROM pg_namespace n, aclexplode(n.nspacl) a
 WHERE n.nspname IN ('kpi', 'kpi_data') AND a.grantee = 0
 ORDER BY 1, 2;
