// Answers a read from a record that is on this node.  Source: design §5 Reads, §7; RFC 9110 §13, §14.
// Thread:  the data plane's executor; disk reads go to the pool.
#pragma once

#include "loop_context.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "brigade/net/http_semantics.h"
#include "brigade/net/http_server.h"
#include "brigade/store/object_store.h"

namespace brigade::node {

inline constexpr std::size_t kBufferBytes = 128 * 1024;  ///< held per request and direction

/// An open record with its first bytes read and checked, so that a damaged one is found before the head leaves.
struct OpenedObject {
  std::unique_ptr<store::ObjectReader> reader;
  std::vector<std::byte> first;  ///< empty if the reader has all of it in memory

  /// From the object's first byte on, what need not be read any more.
  [[nodiscard]] std::span<const std::byte> here() const {
    const std::span<const std::byte> whole = reader->in_memory();
    return whole.empty() ? std::span<const std::byte>(first) : whole;
  }
};

/// Opens by key. What is not in memory is read by the disk pool: the whole of a small object, the first buffer of a
/// large one. Errors: as ObjectStore::open and read.
asio::awaitable<Result<OpenedObject>> open_object(LoopContext& context, ObjectId id, std::string key);

/// What is missing of an answer that was begun.
struct UnsentRest {
  UnsentRest(net::ByteRange range_in, std::string etag_in) : range(range_in), etag(std::move(etag_in)) {}
  net::ByteRange range;  ///< of the object
  std::string etag;
};

/// Decides conditions and ranges, sends the answer. `may_leave` is asked just before the head leaves: an error is sent
/// in its place. A record that turns out to be damaged after that: what is still to be sent, from elsewhere, if that is
/// one range; otherwise the answer ends too early.
asio::awaitable<std::optional<UnsentRest>> send_object(LoopContext& context, OpenedObject object,
                                                       const net::Request& request, net::Response& response,
                                                       std::function<Status()> may_leave);

/// Sends `error` as a problem, unless the answer has begun.
asio::awaitable<void> send_problem(net::Response& response, Error error);

/// What a request without a lease is told.
Error no_quorum_error(const View& view);
Error unavailable_error(std::string detail);
/// Tells a request for which there is no room that nothing of it has happened.
asio::awaitable<void> send_overloaded(net::Response& response);
/// What another node says so with: true of no other 503.
bool says_overloaded(const net::ResponseHead& answer);

}  // namespace brigade::node
