#include "pg/enrolment.hpp"

#include <map>

#include <fmt/format.h>

#include "pg/bell.hpp"
#include "pg/guard.hpp"
#include "pg/sql.hpp"

namespace kpi::pg {
namespace {

object_access_hook_type next_hook = nullptr;

// The last database whose settings could not be read: said once, not at every look.
Oid unreadable = InvalidOid;

// A plain C frame: no C++ object lives here, PostgreSQL's errors pass through.
void reset_worker_setting() {
    VariableSetStmt *statement = makeNode(VariableSetStmt);
    statement->kind = VAR_RESET;
    statement->name = pstrdup("kpi.worker");
    AlterSetting(MyDatabaseId, InvalidOid, statement);
}

void at_object_access(ObjectAccessType access, Oid catalog, Oid object, int part, void *argument) {
    if (next_hook != nullptr) next_hook(access, catalog, object, part, argument);
    if (catalog == DbRoleSettingRelationId && access == OAT_POST_ALTER) {
        ring_at_commit();
        return;
    }
    if (catalog == ExtensionRelationId && access == OAT_DROP &&
        object == get_extension_oid("kpi_ext", true))
        reset_worker_setting();
}

struct Config {
    Oid database = InvalidOid;  // InvalidOid: the row says nothing of interest
    bool worker = false;
    std::string settings;
};

// pg_db_role_setting is not among the catalogs that PostgreSQL can open without a database, so its
// pages are read as they are: the row is two OIDs and a text array, the file is found through the
// map of shared relations.
struct Pages {
    Relation relation = nullptr;
    Snapshot snapshot = nullptr;
    BlockNumber count = 0;
};

Pages open_settings() {
    return call([] {
        LockRelationOid(DbRoleSettingRelationId, AccessShareLock);
        Pages pages;
        pages.relation = KPI_FAKE_SHARED_RELATION(DbRoleSettingRelationId);
        pages.snapshot = RegisterSnapshot(GetLatestSnapshot());
        pages.count = smgrnblocks(RelationGetSmgr(pages.relation), MAIN_FORKNUM);
        return pages;
    });
}

void close(const Pages &pages) {
    call([&] {
        UnregisterSnapshot(pages.snapshot);
        FreeFakeRelcacheEntry(pages.relation);
        UnlockRelationOid(DbRoleSettingRelationId, AccessShareLock);
    });
}

// Copies of the visible rows of one page, in the current memory context.
std::vector<HeapTuple> rows_of(const Pages &pages, BlockNumber block) {
    std::array<HeapTuple, MaxHeapTuplesPerPage> rows;
    int count = 0;
    call([&] {
        Buffer buffer = ReadBuffer(pages.relation, block);
        LockBuffer(buffer, BUFFER_LOCK_SHARE);
        Page page = BufferGetPage(buffer);
        const OffsetNumber last = PageGetMaxOffsetNumber(page);
        for (OffsetNumber n = FirstOffsetNumber; n <= last; ++n) {
            ItemId item = PageGetItemId(page, n);
            if (!ItemIdIsNormal(item)) continue;
            HeapTupleData tuple{};
            tuple.t_data = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, item));
            tuple.t_len = ItemIdGetLength(item);
            tuple.t_tableOid = DbRoleSettingRelationId;
            ItemPointerSet(&tuple.t_self, block, n);
            if (HeapTupleSatisfiesVisibility(&tuple, pages.snapshot, buffer))
                rows[size_t(count++)] = heap_copytuple(&tuple);
        }
        UnlockReleaseBuffer(buffer);
    });
    return {rows.begin(), rows.begin() + count};
}

// Elements "name=value" of setconfig, the third column.
Config read_row(HeapTuple tuple) {
    auto *row = reinterpret_cast<Form_pg_db_role_setting>(GETSTRUCT(tuple));
    Config config;
    if (row->setrole != InvalidOid ||
        (HeapTupleHasNulls(tuple) && att_isnull(2, tuple->t_data->t_bits)))
        return config;
    auto *array = reinterpret_cast<varlena *>(row + 1);
    // Two OIDs before it: the array starts here whatever its alignment.
    static_assert(sizeof(*row) == 2 * sizeof(Oid));
    if (VARATT_IS_EXTERNAL(array)) {
        if (std::exchange(unreadable, row->setdatabase) == row->setdatabase) return config;
        log(Level::warning,
            fmt::format("settings of database with OID {} are too long for kpi_ext",
                        row->setdatabase),
            "Its worker is not started.",
            "Keep fewer or shorter settings in ALTER DATABASE ... SET.");
        return config;
    }
    Datum *elements = nullptr;
    int count = 0;
    call([&] {
        deconstruct_array(DatumGetArrayTypeP(PointerGetDatum(array)), TEXTOID, -1, false,
                          TYPALIGN_INT, &elements, nullptr, &count);
    });
    config.database = row->setdatabase;
    for (int i = 0; i < count; ++i) {
        const char *entry = call([&] { return TextDatumGetCString(elements[i]); });
        const std::string_view text(entry);
        const std::string_view worker = "kpi.worker=";
        if (text.substr(0, worker.size()) == worker) {
            bool on = false;
            config.worker = parse_bool(entry + worker.size(), &on) && on;
        } else if (text.substr(0, 4) == "kpi.") {
            config.settings.append(text).push_back('\n');
        }
    }
    return config;
}

std::map<Oid, Config> wanting_databases() {
    std::map<Oid, Config> wanting;
    const Pages pages = open_settings();
    for (BlockNumber block = 0; block < pages.count; ++block) {
        for (HeapTuple tuple : rows_of(pages, block)) {
            Config config = read_row(tuple);
            if (config.database != InvalidOid && config.worker)
                wanting.emplace(config.database, std::move(config));
        }
    }
    close(pages);
    return wanting;
}

}  // namespace

std::vector<Enrolled> enrolled_databases() {
    std::map<Oid, Config> wanting = wanting_databases();
    std::vector<Enrolled> out;
    if (wanting.empty()) return out;
    Relation catalog = nullptr;
    TableScanDesc scan = nullptr;
    call([&] {
        catalog = table_open(DatabaseRelationId, AccessShareLock);
        scan = table_beginscan_catalog(catalog, 0, nullptr);
    });
    while (HeapTuple tuple = call([&] { return heap_getnext(scan, ForwardScanDirection); })) {
        auto *row = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
        const auto found = wanting.find(row->oid);
        if (found == wanting.end() || row->datistemplate || !row->datallowconn) continue;
        out.push_back({row->oid, NameStr(row->datname), std::move(found->second.settings)});
    }
    call([&] {
        table_endscan(scan);
        table_close(catalog, AccessShareLock);
    });
    return out;
}

void watch_enrolment() {
    next_hook = object_access_hook;
    object_access_hook = at_object_access;
}

}  // namespace kpi::pg
