// Authentication of node-to-node HTTP.  Source: design §7 Peer listener; proto/README.md "Peer requests".
// Concept: each connection starts with a hello: both sides send a nonce, the server proves the cluster secret over both
//          nonces and ids, and both derive a session key from them. Every request then carries a running number and
//          HMAC(session key, number, method, target, framing, all fields but Host and Connection, in order). So a
//          request can't be forged, changed, replayed or moved to another connection; the first one is the client's
//          proof. Bodies are checked by the checksum that a signed field or the store carries; answers are not signed.
// Thread:  immutable after construction; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/net/http.h"
#include "brigade/wire/auth.h"
#include "brigade/wire/version.h"

namespace brigade::net {

/// One side's identity and secret.
struct PeerAuth {
  wire::ClusterSecret secret;
  ClusterId cluster;
  NodeId self;
  std::uint32_t speaks = wire::kProtocolVersion;  ///< a connection is spoken in the lower one of both sides'
};

/// The protocol versions that both sides of a connection speak, as they said.
struct Speaks {
  std::uint32_t client = wire::kFirstVersion;
  std::uint32_t server = wire::kFirstVersion;
};

/// The running state of one authenticated connection, either side.
class PeerSession {
 public:
  PeerSession(const PeerAuth& auth, NodeId client, NodeId server, std::string_view client_nonce,
              std::string_view server_nonce, Speaks speaks = {});
  /// Adds the signature field for the next request of this connection.
  void sign(RequestHead& head, const BodyFraming& framing);
  /// Errors: kUnauthorized. The running number must be the next one.
  Status verify(const RequestHead& head, const BodyFraming& framing);
  [[nodiscard]] NodeId client() const { return client_; }

 private:
  [[nodiscard]] std::string signature(const RequestHead& head, const BodyFraming& framing, std::uint64_t number) const;
  wire::Authenticator key_;
  NodeId client_;
  std::uint64_t number_ = 0;
};

/// 16 random bytes from the system, as hex.
std::string make_nonce();

}  // namespace brigade::net
