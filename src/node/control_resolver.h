// Host names of peers as IPv4 addresses, without ever waiting for a name server.
// Concept: an address whose host is a number is itself. A name is looked up in the background when it is first asked
// for
//          and again from time to time; until there is an answer, datagrams to it are not sent: the protocol repeats.
// Thread:  one executor.
#pragma once

#include <map>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/udp.hpp>

#include "brigade/base/time.h"

namespace brigade::node {

class PeerResolver {
 public:
  explicit PeerResolver(boost::asio::any_io_executor executor) : resolver_(executor) {}
  /// host:port with a number for a host; empty if that is not known (yet).
  std::string numeric(Instant now, const std::string& address);
  /// Nothing is looked up any more.
  void close();

 private:
  static constexpr Duration kAskAgain = std::chrono::seconds{30};
  static constexpr Duration kAskAgainUnknown = std::chrono::seconds{3};

  struct Known {
    std::string numeric;
    Instant ask_at{};
    bool asking = false;
  };
  void ask(const std::string& address, const std::string& host, const std::string& port);

  boost::asio::ip::udp::resolver resolver_;
  std::map<std::string, Known> known_;  ///< by address; as many as peers that have names
  bool closed_ = false;
};

}  // namespace brigade::node
