// Boost.Asio and Boost.Beast themselves, compiled once (BOOST_ASIO_SEPARATE_COMPILATION).
#include <utility>
// Asio 1.74 uses std::exchange without naming its header.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
