#include "pg/elsewhere.hpp"

#include <fmt/format.h>

#include "pg/guard.hpp"
#include "pg/process.hpp"
#include "pg/sql.hpp"

namespace kpi::pg {
namespace {

// What the two processes share: the statements, each ended by a zero byte, and the answer.
struct Letter {
    Oid database, role;
    uint32_t statements;
    bool answered, failed;
    char sqlstate[8];
    char message[1024];
    char text[FLEXIBLE_ARRAY_MEMBER];
};

struct Segment {
    dsm_segment *mapped = nullptr;
    Segment() = default;
    Segment(const Segment &) = delete;
    Segment &operator=(const Segment &) = delete;
    ~Segment() {
        if (mapped != nullptr) attempt([this] { dsm_detach(mapped); });
    }
    Letter *letter() const { return static_cast<Letter *>(dsm_segment_address(mapped)); }
};

Oid database_called(const std::string &name) {
    const char *text = name.c_str();
    return call([text] { return get_database_oid(text, false); });
}

void demand_login(ObjectId role) {
    if (value("SELECT rolname FROM pg_catalog.pg_roles WHERE oid = $1 AND rolcanlogin", {role}))
        return;
    throw Error("42501",
                fmt::format("role {} may not log in",
                            value("SELECT $1::pg_catalog.regrole", {role}).value_or("")),
                "Another database is reached by a process that logs in there.",
                "Call it as a role with LOGIN.");
}

}  // namespace

void run_elsewhere(const std::string &database, ObjectId role,
                   const std::vector<std::string> &statements) {
    demand_login(role);
    const Oid target = database_called(database);
    size_t size = sizeof(Letter);
    for (const std::string &statement : statements) size += statement.size() + 1;
    Segment segment;
    segment.mapped = call([size] { return dsm_create(size, 0); });
    Letter *letter = segment.letter();
    *letter = {};
    letter->database = target;
    letter->role = role.value;
    letter->statements = uint32_t(statements.size());
    char *place = letter->text;
    for (const std::string &statement : statements) {
        memcpy(place, statement.c_str(), statement.size() + 1);
        place += statement.size() + 1;
    }
    if (!run_errand(dsm_segment_handle(segment.mapped)))
        throw Error("53400", "no free background worker to reach another database", {},
                    "Raise max_worker_processes.");
    if (!letter->answered)
        throw Error("08006", fmt::format("database \"{}\" could not be reached", database),
                    "The process that was to connect ended without an answer.",
                    "The server's log says why: the role may lack CONNECT on that database.");
    if (letter->failed)
        throw Error(letter->sqlstate,
                    fmt::format("in database \"{}\": {}", database, letter->message));
}

void answer_elsewhere(uint32_t handle) {
    call([] { CurrentResourceOwner = ResourceOwnerCreate(nullptr, "kpi_ext errand"); });
    dsm_segment *mapped = call([handle] { return dsm_attach(handle); });
    if (mapped == nullptr) return;  // nobody waits any more
    call([mapped] { dsm_pin_mapping(mapped); });
    auto *letter = static_cast<Letter *>(dsm_segment_address(mapped));
    become_errand(letter->database, letter->role);
    try {
        Transaction transaction;
        {
            OuterSnapshot snapshot;
            Spi spi;
            const char *place = letter->text;
            for (uint32_t i = 0; i < letter->statements; ++i) {
                execute(place);
                place += strlen(place) + 1;
            }
        }
        transaction.commit();
    } catch (const Error &error) {
        letter->failed = true;
        strlcpy(letter->sqlstate, error.sqlstate.c_str(), sizeof letter->sqlstate);
        strlcpy(letter->message, error.message.c_str(), sizeof letter->message);
    }
    letter->answered = true;
}

}  // namespace kpi::pg
