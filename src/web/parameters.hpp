// The parameters of a request, read by name and type. What is read is known: refuse_others() then
// names a parameter that no endpoint of this path knows. Errors: HttpError 400 that names the
// parameter and says what it may be.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "web/target.hpp"

namespace kpi::web {

class Parameters {
public:
    explicit Parameters(NamedTexts given) : given_(std::move(given)) {}

    // Absent or empty: nullopt.
    std::optional<std::string> text(std::string_view name);
    std::string text(std::string_view name, std::string_view otherwise);
    int number(std::string_view name, int least, int greatest, int otherwise);
    // Strictly between the two.
    std::optional<double> real(std::string_view name, double above, double below);
    std::optional<std::string> choice(std::string_view name,
                                      std::initializer_list<std::string_view> allowed);
    std::string choice(std::string_view name, std::initializer_list<std::string_view> allowed,
                       std::string_view otherwise);
    bool on(std::string_view name, bool otherwise);
    // May come more than once; empty values count.
    std::vector<std::string> all(std::string_view name);
    // Values between commas, without empty ones.
    std::vector<std::string> list(std::string_view name, std::string_view otherwise);
    void refuse_others() const;

private:
    NamedTexts given_;
    std::vector<std::string> known_;
};

}  // namespace kpi::web
