// A bound on the time of what a background process runs for somebody: code of users behind a facts
// view must not hold the only worker of a database. After the limit the statement is cancelled
// (57014); code that catches that and goes on ends with the process, after twice the limit.
#pragma once

#include <cstdint>

namespace kpi::pg {

// In a long computation of our own: where a cancel, a limit or the end of the process counts.
// Errors: 57014, 57P01.
void obey_cancel();

// Runs from its construction to its end; milliseconds 0: no limit. One at a time, and only in a
// process that has no statement_timeout of its own.
class TimeLimit {
public:
    explicit TimeLimit(int64_t milliseconds);
    ~TimeLimit();
    TimeLimit(const TimeLimit &) = delete;
    TimeLimit &operator=(const TimeLimit &) = delete;

private:
    bool armed_;
};

// Cancels what runs in its scope after a time, with a timer of its own: in any process, beside a
// statement_timeout. 57014, as a user's cancel; fired() tells the two apart. One at a time.
class CancelAfter {
public:
    explicit CancelAfter(int64_t milliseconds);
    ~CancelAfter();
    CancelAfter(const CancelAfter &) = delete;
    CancelAfter &operator=(const CancelAfter &) = delete;
    bool fired() const;

private:
    bool armed_;
};

}  // namespace kpi::pg
