// Errors across the boundary of pg/guard.hpp, in both directions and nested. Every path holds a
// live object that a longjmp would skip: Counted says whether its destructor ran.
#include <fmt/format.h>

#include <new>
#include <stdexcept>

#include "pg/function.hpp"
#include "pg/prelude.hpp"

extern "C" {
PG_MODULE_MAGIC;
}

namespace {

using kpi::Error;

int64_t live = 0;

class Counted {
public:
    Counted() : memory_(1000, 'x') { ++live; }
    ~Counted() { --live; }
    Counted(const Counted &) = delete;
    Counted &operator=(const Counted &) = delete;

private:
    std::string memory_;  // so that a skipped destructor shows in the process's size too
};

std::vector<std::pair<std::string, std::string>> fields(const Error &error) {
    const auto &origin = error.origin;
    return {{"sqlstate", error.sqlstate},
            {"message", error.message},
            {"detail", error.detail},
            {"hint", error.hint},
            {"context", origin.context},
            {"schema", origin.schema},
            {"table", origin.table},
            {"column", origin.column},
            {"datatype", origin.datatype},
            {"constraint", origin.constraint},
            {"internal_query", origin.internal_query},
            {"file", origin.file.substr(origin.file.rfind('/') + 1)},
            {"line", origin.line > 0 ? "set" : ""},
            {"position", std::to_string(origin.cursor_position)},
            {"from_postgres", origin.from_postgres ? "yes" : "no"}};
}

}  // namespace

KPI_FUNCTION(throw_error) {
    Counted counted;
    throw Error(kpi::pg::text_argument(fcinfo, 0), kpi::pg::text_argument(fcinfo, 1),
                kpi::pg::optional_text(fcinfo, 2).value_or(""),
                kpi::pg::optional_text(fcinfo, 3).value_or(""));
}

KPI_FUNCTION(throw_other) {
    Counted counted;
    const std::string kind = kpi::pg::text_argument(fcinfo, 0);
    if (kind == "standard") throw std::runtime_error("a standard exception");
    if (kind == "memory") throw std::bad_alloc();
    if (kind == "number") throw 42;
    throw Error("22023", "no such kind of exception: " + kind);
}

KPI_FUNCTION(nest) {
    Counted counted;
    const int64_t depth = PG_GETARG_INT32(0);
    const std::string statement = kpi::pg::text_argument(fcinfo, 1);
    kpi::pg::Spi spi;
    if (depth > 0) {
        kpi::pg::query("SELECT kpi_test.nest($1::pg_catalog.int4, $2)", {depth - 1, statement});
    } else {
        kpi::pg::execute(statement);
    }
    return 0;
}

KPI_FUNCTION(catch) {
    Counted counted;
    const std::string statement = kpi::pg::text_argument(fcinfo, 0);
    kpi::pg::ResultSet result(fcinfo);
    std::optional<Error> caught;
    {
        kpi::pg::Spi spi;
        try {
            kpi::pg::Savepoint savepoint;
            kpi::pg::execute(statement);
            savepoint.release();
        } catch (const Error &error) {
            caught = error;
        }
    }
    if (!caught) throw Error("P0001", "the statement raised no error");
    for (const auto &[field, value] : fields(*caught)) {
        std::array<Datum, 2> row = {kpi::pg::text_datum(field), kpi::pg::text_datum(value)};
        std::array<bool, 2> nulls = {false, value.empty()};
        result.append(row.data(), nulls.data());
    }
    return 0;
}

KPI_FUNCTION(live) { return Int64GetDatum(live); }

KPI_FUNCTION(rss) {
    long pages = 0;
    std::unique_ptr<FILE, int (*)(FILE *)> file(fopen("/proc/self/statm", "r"), fclose);
    if (!file || fscanf(file.get(), "%*d %ld", &pages) != 1)
        throw Error("58030", "could not read /proc/self/statm");
    return Int64GetDatum(int64_t(pages) * sysconf(_SC_PAGESIZE));
}
