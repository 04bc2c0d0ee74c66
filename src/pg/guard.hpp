// The boundary between C++ and PostgreSQL, both ways.
//
// PostgreSQL raises errors with siglongjmp, which runs no destructors; C++ exceptions must not
// travel through C frames.
//   call(f)   C++ -> PostgreSQL: runs ONE PostgreSQL call; an error becomes a kpi::Error with every
//             field kept.
//   enter(f)  PostgreSQL -> C++: runs a C++ body; an exception becomes an ereport, raised when
//             every C++ object is gone (raised inside the catch it would leak the exception object,
//             about 300 bytes each).
// The guard must sit deeper than the objects it protects: guard the single C call, never a C++
// function. Swallowing an Error that came from PostgreSQL is legal only after a Savepoint or
// Transaction was rolled back.
#pragma once

#include "core/error.hpp"
#include "pg/prelude.hpp"

namespace kpi::pg {

// What enter() carries out of its catch block: plain data in the memory context of the caller.
struct Failure {
    ErrorData *data = nullptr;  // nullptr: out of memory
    bool from_postgres = false;
};

Failure keep(MemoryContext home, const Error &error) noexcept;
Failure keep(MemoryContext home, const char *message) noexcept;
[[noreturn]] void raise(const Failure &failure);
[[noreturn]] void throw_captured(MemoryContext home);

// Takes one of our own statements out of what an error says about where it happened: it tells a
// user nothing. The lines of functions that the user wrote stay. Internal errors keep it.
void forget_statement(Error &error, std::string_view sql);

// Runs f with PostgreSQL's error jump redirected here. False: an error is pending in errordata.
template <class F>
__attribute__((noinline)) bool protect(F &f) noexcept {
    sigjmp_buf *const saved_stack = PG_exception_stack;
    ErrorContextCallback *const saved_context = error_context_stack;
    sigjmp_buf here;
    // Mask not saved: saving it costs 2.3 us a call, not saving it 6.5 ns; PostgreSQL does the
    // same.
    if (sigsetjmp(here, 0) == 0) {
        PG_exception_stack = &here;
        f();
        PG_exception_stack = saved_stack;
        error_context_stack = saved_context;
        return true;
    }
    PG_exception_stack = saved_stack;
    error_context_stack = saved_context;
    return false;
}

// f captures references and plain data only and creates no C++ object that owns something.
template <class F>
auto call(F f) {
    static_assert(std::is_trivially_destructible_v<F>, "the guarded call must not own anything");
    using Result = std::invoke_result_t<F &>;
    MemoryContext const home = CurrentMemoryContext;
    if constexpr (std::is_void_v<Result>) {
        auto body = [&] { f(); };
        if (!protect(body)) throw_captured(home);
    } else {
        static_assert(std::is_trivially_destructible_v<Result>,
                      "the guarded call returns plain data");
        Result result{};
        auto body = [&] { result = f(); };
        if (!protect(body)) throw_captured(home);
        return result;
    }
}

template <class F>
auto enter(F f) {
    static_assert(std::is_trivially_destructible_v<F>, "the body captures plain data only");
    MemoryContext const home = CurrentMemoryContext;
    Failure failure;
    try {
        return f();
    } catch (const Error &error) {
        failure = keep(home, error);
    } catch (const std::bad_alloc &) {
        failure = Failure{};
    } catch (const std::exception &error) {
        failure = keep(home, error.what());
    } catch (...) {
        failure = keep(home, "unknown C++ exception");
    }
    raise(failure);
}

// For destructors: runs f, degrades an error to a WARNING. Never throws.
template <class F>
void attempt(F f) noexcept {
    MemoryContext const home = CurrentMemoryContext;
    if (protect(f)) return;
    MemoryContextSwitchTo(home);
    auto report = [] {
        EmitErrorReport();
        FlushErrorState();
    };
    if (!protect(report)) FlushErrorState();
}

}  // namespace kpi::pg

// Opens an SQL-callable function: KPI_FUNCTION(track) { ... return datum; } defines the C symbol
// kpi_ext_track.
#define KPI_FUNCTION(name)                                               \
    static Datum name##_body(FunctionCallInfo fcinfo);                   \
    extern "C" {                                                         \
    PGDLLEXPORT Datum kpi_ext_##name(PG_FUNCTION_ARGS);                  \
    PG_FUNCTION_INFO_V1(kpi_ext_##name);                                 \
    Datum kpi_ext_##name(PG_FUNCTION_ARGS) {                             \
        return kpi::pg::enter([fcinfo] { return name##_body(fcinfo); }); \
    }                                                                    \
    }                                                                    \
    static Datum name##_body([[maybe_unused]] FunctionCallInfo fcinfo)
