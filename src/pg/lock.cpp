#include "pg/lock.hpp"

#include "pg/guard.hpp"

namespace kpi::pg {
namespace {

constexpr const char *kExtension = "kpi_ext";
constexpr uint16 kMutexClass = 4;
constexpr uint16 kNameClass = 5;

LOCKTAG advisory_tag(ObjectId key) {
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, key.value, 0, kMutexClass);
    return tag;
}

}  // namespace

bool try_advisory(ObjectId key) {
    LOCKTAG tag = advisory_tag(key);
    return call(
        [&] { return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL; });
}

void advisory(ObjectId key) {
    LOCKTAG tag = advisory_tag(key);
    call([&] { (void)LockAcquire(&tag, ExclusiveLock, false, false); });
}

void lock_name(std::string_view name, Sharing sharing) {
    const uint64 hash = hash_bytes_extended(reinterpret_cast<const unsigned char *>(name.data()),
                                            int(name.size()), 0);
    const LOCKMODE mode = sharing == Sharing::shared ? ShareLock : ExclusiveLock;
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, uint32(hash >> 32), uint32(hash), kNameClass);
    call([&] { (void)LockAcquire(&tag, mode, false, false); });
}

bool try_share(ObjectId relation) {
    return call([&] { return ConditionalLockRelationOid(relation.value, AccessShareLock); });
}

void lock_alone(ObjectId relation) {
    call([&] { LockRelationOid(relation.value, AccessExclusiveLock); });
}

bool share_extension() {
    return call([] {
        const Oid extension = get_extension_oid(kExtension, true);
        if (extension == InvalidOid) return false;
        LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
        // Dropped while this waited? The lock processed the invalidations, so the look-up is fresh.
        return get_extension_oid(kExtension, true) == extension;
    });
}

void exclusive_extension() {
    call([] {
        const Oid extension = get_extension_oid(kExtension, true);
        if (extension != InvalidOid)
            LockDatabaseObject(ExtensionRelationId, extension, 0, AccessExclusiveLock);
    });
}

ObjectId extension_owner() {
    Oid owner = InvalidOid;
    call([&] {
        Relation catalog = table_open(ExtensionRelationId, AccessShareLock);
        ScanKeyData key;
        ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
                    CStringGetDatum(kExtension));
        SysScanDesc scan =
            systable_beginscan(catalog, ExtensionNameIndexId, true, nullptr, 1, &key);
        HeapTuple tuple = systable_getnext(scan);
        if (HeapTupleIsValid(tuple))
            owner = (reinterpret_cast<Form_pg_extension>(GETSTRUCT(tuple)))->extowner;
        systable_endscan(scan);
        table_close(catalog, AccessShareLock);
    });
    if (owner == InvalidOid) throw Error("42704", "extension \"kpi_ext\" does not exist");
    return {owner};
}

}  // namespace kpi::pg
