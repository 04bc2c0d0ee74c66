#include "delivery/from_environment.hpp"

#include "core/error.hpp"
#include "delivery/reference.hpp"
#include "delivery/registration.hpp"
#include "net/sink/environment.hpp"
#include "pg/lock.hpp"
#include "pg/settings.hpp"
#include "pg/sql.hpp"

namespace kpi::delivery {
namespace {

// What is there under the name: added (nothing), changed, unchanged, by_hand.
std::string compared(const NewSink &given) {
    pg::RunAs owner(pg::extension_owner(), pg::Restriction::identity);
    return pg::value(R"(
        SELECT CASE WHEN NOT s.from_environment THEN 'by_hand'
                    WHEN s.kind = $2 AND coalesce(x.url, s.url) IS NOT DISTINCT FROM $3
                         AND s.options = $4 AND x.secret = $5 THEN 'unchanged'
                    ELSE 'changed' END
          FROM kpi.sink s LEFT JOIN kpi.sink_secret x ON x.sink = s.name WHERE s.name = $1)",
                     {given.name, given.kind, given.url.empty() ? Param(Null{}) : Param(given.url),
                      Json{given.options}, Json{given.secret}})
        .value_or("added");
}

FromEnvironment taken(ObjectId caller, const net::FoundSink &found) {
    FromEnvironment result{found.name, found.kind, "skipped", found.skipped};
    if (!found.skipped.empty()) return result;
    const NewSink sink{found.name,           found.kind,          found.url,
                       found.options.dump(), found.secret.dump(), true};
    result.state = compared(sink);
    if (result.state == "by_hand") {
        result.state = "skipped";
        result.reason = "a sink of this name was added by hand";
    } else if (result.state != "unchanged") {
        try {
            add_sink(caller, sink);
        } catch (const Error &error) {
            // Nothing was written: what is wrong with a sink is found before.
            if (error.sqlstate != "22023" && error.sqlstate != "42501") throw;
            result.state = "skipped";
            result.reason = error.message;
        }
    }
    return result;
}

}  // namespace

std::vector<FromEnvironment> sinks_from_environment(ObjectId caller) {
    check_reader(caller);
    net::Environment environment;
    environment.variable = environment_variable;
    environment.file = small_file;
    const char *directory = pg::settings().file_directory;
    environment.file_directory = directory == nullptr ? "" : directory;
    std::vector<FromEnvironment> result;
    for (const net::FoundSink &found : net::sinks_in(environment))
        result.push_back(taken(caller, found));
    return result;
}

}  // namespace kpi::delivery
