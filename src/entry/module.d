src/entry/module.o: src/entry/module.cpp src/pg/prelude.hpp \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/postgres.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/c.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/postgres_ext.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/pg_config_ext.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/pg_config.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/pg_config_manual.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/pg_config_os.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/port.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/elog.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/errcodes.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/palloc.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/genam.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/sdir.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/skey.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/attnum.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/stratnum.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/fmgr.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/tidbitmap.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/itemptr.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/block.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/off.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/itemid.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/dsa.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/port/atomics.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/port/atomics/arch-x86.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/port/atomics/generic-gcc.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/port/atomics/fallback.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/port/atomics/generic.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/dsm.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/dsm_impl.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/lockdefs.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/relcache.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/tupdesc.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/xlogdefs.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_attribute.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/genbki.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_attribute_d.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/pg_list.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/nodes.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/bitmapset.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/snapshot.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/htup.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/datatype/timestamp.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/lib/pairingheap.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/lib/stringinfo.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/buf.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/heapam.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/relation.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/primnodes.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/relscan.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/htup_details.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/transam.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/tupmacs.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_type_d.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/common/int.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/bufpage.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/item.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/itup.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/spin.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/s_lock.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/table.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/tableam.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/xact.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/xlogreader.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/xlogrecord.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/rmgr.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/rmgrlist.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/port/pg_crc32c.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/port/pg_bswap.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/relfilenode.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/common/relpath.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/catversion.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/backendid.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/sinval.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/guc.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/parsenodes.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/lockoptions.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/value.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/partitioning/partdefs.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/tcop/dest.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/executor/tuptable.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/sysattr.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/tcop/cmdtag.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/tcop/cmdtaglist.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/array.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/expandeddatum.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/rel.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/xlog.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_class.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_class_d.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_index.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_index_d.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_publication.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/objectaddress.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_publication_d.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/rewrite/prs2lock.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/smgr.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/lib/ilist.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/reltrigger.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/shm_toc.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/shmem.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/hsearch.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/tupconvert.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/attmap.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/catalog.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/dependency.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/indexing.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/execnodes.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/executor/instrument.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/portability/instr_time.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/params.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/plannodes.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/condition_variable.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/proclist_types.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/queryenvironment.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/sharedtuplestore.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/fd.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/sharedfileset.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/fileset.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/sortsupport.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/tuplesort.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/tuplestore.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/lib/simplehash.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/port/pg_bitutils.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/namespace.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/lock.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/lwlock.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/lwlocknames.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/timestamp.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/pgtime.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/objectaccess.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/partition.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_database.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_database_d.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_db_role_setting.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_db_role_setting_d.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_extension.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_extension_d.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_inherits.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_inherits_d.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_namespace.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_namespace_d.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/acl.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/parser/parse_node.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_proc.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_proc_d.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_trigger.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_trigger_d.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_type.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/commands/async.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/commands/dbcommands.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/commands/event_trigger.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_event_trigger.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_event_trigger_d.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/tcop/deparse_utility.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/aclchk_internal.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/commands/extension.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/commands/trigger.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/executor/executor.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/executor/execdesc.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/memutils.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/memnodes.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/executor/spi.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/parser/parser.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/portal.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/plancache.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/resowner.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/funcapi.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/tupdesc.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/executor/executor.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/executor/tuptable.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/fmgr.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/libpq/pqsignal.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/mb/pg_wchar.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/miscadmin.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/datatype/timestamp.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/pgtime.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/makefuncs.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/nodeFuncs.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/optimizer/optimizer.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/parser/analyze.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/queryjumble.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/pgstat.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/portability/instr_time.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/postmaster/pgarch.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/backend_progress.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/backend_status.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/libpq/pqcomm.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/backend_progress.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/relcache.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/wait_event.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/postmaster/bgworker.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/postmaster/interrupt.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/rewrite/rewriteHandler.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/ipc.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/latch.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/lmgr.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/proc.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/access/clog.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/sync.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/pg_sema.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/procarray.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/standby.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/procsignal.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/storage/standbydefs.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/tcop/tcopprot.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/tcop/utility.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/builtins.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/fmgrprotos.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/catcache.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/date.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/datetime.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/fmgroids.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/inval.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/jsonb.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/numeric.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/lsyscache.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/ruleutils.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/snapmgr.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/syscache.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/typcache.h \
 /work/wt/core/build/pg/usr/include/postgresql/15/server/utils/varlena.h
src/pg/prelude.hpp:
/work/wt/core/build/pg/usr/include/postgresql/15/server/postgres.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/c.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/postgres_ext.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/pg_config_ext.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/pg_config.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/pg_config_manual.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/pg_config_os.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/port.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/elog.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/errcodes.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/palloc.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/genam.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/sdir.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/skey.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/attnum.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/stratnum.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/fmgr.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/tidbitmap.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/itemptr.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/block.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/off.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/itemid.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/dsa.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/port/atomics.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/port/atomics/arch-x86.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/port/atomics/generic-gcc.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/port/atomics/fallback.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/port/atomics/generic.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/dsm.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/dsm_impl.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/lockdefs.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/relcache.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/tupdesc.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/xlogdefs.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_attribute.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/genbki.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_attribute_d.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/pg_list.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/nodes.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/bitmapset.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/snapshot.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/htup.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/datatype/timestamp.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/lib/pairingheap.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/lib/stringinfo.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/buf.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/heapam.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/relation.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/primnodes.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/relscan.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/htup_details.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/transam.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/tupmacs.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_type_d.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/common/int.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/bufpage.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/item.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/itup.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/spin.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/s_lock.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/table.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/tableam.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/xact.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/xlogreader.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/xlogrecord.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/rmgr.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/rmgrlist.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/port/pg_crc32c.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/port/pg_bswap.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/relfilenode.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/common/relpath.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/catversion.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/backendid.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/sinval.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/guc.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/parsenodes.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/lockoptions.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/value.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/partitioning/partdefs.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/tcop/dest.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/executor/tuptable.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/sysattr.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/tcop/cmdtag.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/tcop/cmdtaglist.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/array.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/expandeddatum.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/rel.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/xlog.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_class.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_class_d.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_index.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_index_d.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_publication.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/objectaddress.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_publication_d.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/rewrite/prs2lock.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/smgr.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/lib/ilist.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/reltrigger.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/shm_toc.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/shmem.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/hsearch.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/tupconvert.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/attmap.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/catalog.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/dependency.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/indexing.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/execnodes.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/executor/instrument.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/portability/instr_time.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/params.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/plannodes.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/condition_variable.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/proclist_types.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/queryenvironment.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/sharedtuplestore.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/fd.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/sharedfileset.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/fileset.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/sortsupport.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/tuplesort.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/tuplestore.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/lib/simplehash.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/port/pg_bitutils.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/namespace.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/lock.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/lwlock.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/lwlocknames.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/timestamp.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/pgtime.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/objectaccess.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/partition.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_database.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_database_d.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_db_role_setting.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_db_role_setting_d.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_extension.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_extension_d.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_inherits.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_inherits_d.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_namespace.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_namespace_d.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/acl.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/parser/parse_node.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_proc.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_proc_d.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_trigger.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_trigger_d.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_type.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/commands/async.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/commands/dbcommands.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/commands/event_trigger.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_event_trigger.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/catalog/pg_event_trigger_d.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/tcop/deparse_utility.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/aclchk_internal.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/commands/extension.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/commands/trigger.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/executor/executor.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/executor/execdesc.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/memutils.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/memnodes.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/executor/spi.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/parser/parser.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/portal.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/plancache.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/resowner.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/funcapi.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/tupdesc.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/executor/executor.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/executor/tuptable.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/fmgr.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/libpq/pqsignal.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/mb/pg_wchar.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/miscadmin.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/datatype/timestamp.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/pgtime.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/makefuncs.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/nodes/nodeFuncs.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/optimizer/optimizer.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/parser/analyze.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/queryjumble.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/pgstat.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/portability/instr_time.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/postmaster/pgarch.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/backend_progress.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/backend_status.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/libpq/pqcomm.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/backend_progress.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/relcache.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/wait_event.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/postmaster/bgworker.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/postmaster/interrupt.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/rewrite/rewriteHandler.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/ipc.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/latch.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/lmgr.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/proc.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/access/clog.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/sync.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/pg_sema.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/procarray.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/standby.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/procsignal.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/storage/standbydefs.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/tcop/tcopprot.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/tcop/utility.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/builtins.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/fmgrprotos.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/catcache.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/date.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/datetime.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/fmgroids.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/inval.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/jsonb.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/numeric.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/lsyscache.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/ruleutils.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/snapmgr.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/syscache.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/typcache.h:
/work/wt/core/build/pg/usr/include/postgresql/15/server/utils/varlena.h:
