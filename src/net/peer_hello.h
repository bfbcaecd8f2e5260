// The hello that opens an authenticated connection, both sides.  Source: proto/README.md "Peer requests".
// Thread:  pure functions.
#pragma once

#include <string>
#include <string_view>

#include "brigade/net/peer_auth.h"

namespace brigade::net {

inline constexpr std::string_view kHelloTarget = "/peer/hello";

/// What the client says.
struct Hello {
  NodeId client;
  std::string nonce;
  std::uint32_t speaks = wire::kFirstVersion;
};

RequestHead hello_request(const PeerAuth& auth, std::string_view nonce);
/// Errors: kUnauthorized (another cluster), kInvalid (malformed), kConflict (the versions of both are too far apart).
Result<Hello> read_hello(const PeerAuth& auth, const RequestHead& head);
ResponseHead hello_answer(const PeerAuth& auth, const Hello& hello, std::string_view server_nonce);
/// The session, if the answer proves the secret. Errors: kUnauthorized, kConflict (as above).
Result<PeerSession> read_hello_answer(const PeerAuth& auth, std::string_view client_nonce, const ResponseHead& head);

}  // namespace brigade::net
