// Preloaded into a server (LD_PRELOAD): its time of day is the machine's and an offset, which a
// test changes while the server runs. Clocks that nobody can set (CLOCK_MONOTONIC) stay true.
//   KPI_CLOCK_FILE: eight bytes, the offset in seconds, as the machine writes an int64
// libfaketime does not do: PostgreSQL 15 starts background workers inside a signal handler, in the
// middle of a select() during which that library tells the true time, and they inherit it.
#include <cstdint>
#include <cstdlib>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <ctime>

namespace {

int64_t nothing = 0;

const volatile int64_t *offset() {
    static const volatile int64_t *mapped = [] {
        const char *path = std::getenv("KPI_CLOCK_FILE");
        const int file = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
        void *memory =
            file < 0 ? MAP_FAILED : mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
        if (file >= 0) close(file);
        return memory == MAP_FAILED ? &nothing : static_cast<const int64_t *>(memory);
    }();
    return mapped;
}

timespec shifted(clockid_t clock) {
    timespec time{};
    syscall(SYS_clock_gettime, clock, &time);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) time.tv_sec += *offset();
    return time;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec *time) noexcept {
    *time = shifted(clock);
    return 0;
}

extern "C" int gettimeofday(timeval *time, void *) noexcept {
    const timespec now = shifted(CLOCK_REALTIME);
    *time = {now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

extern "C" time_t time(time_t *result) noexcept {
    const time_t now = shifted(CLOCK_REALTIME).tv_sec;
    if (result != nullptr) *result = now;
    return now;
}
