// The triggers of a source on its base table and partitions: kpi_capture_<source> for rows (cloned
// to partitions by PostgreSQL) and kpi_truncate_<source> on each. All are ENABLE ALWAYS. Needs an
// open Spi; everything runs as the extension's owner.
#pragma once

#include <string>
#include <vector>

#include "core/table.hpp"

namespace kpi::engine {

// Locks a relation and nothing that it reads ACCESS EXCLUSIVE, likewise.
void lock_view(ObjectId view);
// A base table (0: none) SHARE ROW EXCLUSIVE and then relations likewise as lock_view does, all or
// none at a time: while a reader or a merge has one of them, writers go on. Errors: 55P03.
void lock_with_base(ObjectId base, const std::vector<ObjectId> &relations);
// Locks tables (a list of qualified names) for trigger DDL, all or none at a time, in short tries,
// so that writers queue behind us for a moment at most. Errors: 55P03.
void lock_bases(const std::string &bases, const char *mode);

void create_row_trigger(const std::string &source, ObjectId base);
// On the base table and all its partitions that lack one.
void create_truncate_triggers(const std::string &source, ObjectId base);
// Triggers that are enabled, but not ALWAYS, become so; a disabled one was disabled by somebody.
void restore_always(const std::string &source, ObjectId base);
// The row trigger fires ALWAYS on the base table and every partition, and on nothing else (a
// partition that DETACH CONCURRENTLY has not finished with), in the latest snapshot: while that is
// not so, no mark may be taken away.
bool captures_all(const std::string &source, ObjectId base);
// What a restore may have left out: creates missing triggers and calls restore_always. Locks the
// table only where something is to be done.
void mend_triggers(const std::string &source, ObjectId base);

}  // namespace kpi::engine
