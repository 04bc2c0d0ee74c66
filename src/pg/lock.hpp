// Locks that a transaction keeps to its end: relations, the extension object, and the advisory
// class that SQL cannot build. Conditional forms never wait. Waiting forms obey lock_timeout and
// raise 55P03.
#pragma once

#include <string_view>

#include "core/table.hpp"

namespace kpi::pg {

// An exclusive advisory lock in locktag class 4: pg_advisory_lock() builds only classes 1 and 2, so
// no SQL of a user can hold it. Keyed by this database and `key`. Re-entrant within a transaction.
bool try_advisory(ObjectId key);
void advisory(ObjectId key);

// A lock by name, of a class of its own (5): the 64-bit hash of the name in this database. Shared
// locks exclude exclusive ones only. Two names of one hash are one lock, which costs a wait.
enum class Sharing { shared, exclusive };
void lock_name(std::string_view name, Sharing sharing);

// AccessShare on a relation; false: somebody holds or waits for a conflicting lock.
bool try_share(ObjectId relation);
// AccessExclusive on a relation alone (LOCK TABLE on a view would lock its tables too).
void lock_alone(ObjectId relation);
// AccessShare on the extension, taken before everything else: DROP EXTENSION locks it first and
// waits. Returns false when the extension does not exist any more; raises 55P03 after lock_timeout.
bool share_extension();
// AccessExclusive on the extension, for our part of DROP EXTENSION: taken before the tables, as
// everybody does.
void exclusive_extension();
// The role that owns the extension. Throws 42704 when it does not exist.
ObjectId extension_owner();

}  // namespace kpi::pg
