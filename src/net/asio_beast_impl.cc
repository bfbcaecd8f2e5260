// The one place where the bodies of Asio and Beast are compiled (BOOST_ASIO_SEPARATE_COMPILATION and its sister).
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
