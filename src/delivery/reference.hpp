// References to secrets that stand outside the database, read when they are needed.
//   env:NAME                        a variable of the server's environment
//   file:/path                      a file of the server, whole
//   ini:/path#section#key           one value of a file as AWS's tools keep it
// Errors: 55000 when one cannot be read; the text names the reference, never its value.
#pragma once

#include <string>
#include <string_view>

namespace kpi::delivery {

bool is_reference(std::string_view text);
// What a reference stands for, without the blanks around it; other texts as they are.
std::string resolve(const std::string &text);

// Empty when it is not set.
std::string environment_variable(const std::string &name);
// Empty when it cannot be read, and when it has more than 64 kB.
std::string small_file(const std::string &path);

}  // namespace kpi::delivery
