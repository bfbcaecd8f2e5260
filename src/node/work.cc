#include "work.h"

#include "object_response.h"

#include <algorithm>
#include <limits>

namespace brigade::node {

namespace {

constexpr std::size_t kNoBound = std::numeric_limits<std::size_t>::max();
constexpr std::uint64_t kBuffers = 2 * kBufferBytes;
/// Beside the body: the coroutines of a request, and the connections to other nodes that it uses.
constexpr std::uint64_t kReadBytes = 16 * 1024;
constexpr std::uint64_t kUploadBytes = 64 * 1024;

}  // namespace

std::string_view name_of(Work work) {
  constexpr std::array<std::string_view, kAllWork.size()> kNames{"read", "write", "peer-read", "handed-on",
                                                                 "copy", "push",  "fetch"};
  return kNames[static_cast<std::size_t>(work)];
}

Admission::Room room_of(Work work, const Config& config) {
  const std::uint64_t part = config.request_memory / 16;
  const std::size_t writes = config.writes_max;
  switch (work) {
    case Work::kRead:
    case Work::kPeerRead:
      return {kNoBound, 4 * part};
    case Work::kWrite:
    case Work::kHandedOn:
      return {writes, 2 * part};
    case Work::kCopy:  // each write makes as many as there are other replicas
      return {4 * writes, 2 * part};
    case Work::kPush:
    case Work::kFetch:
      return {writes, part};
  }
  return {};
}

// An object up to small_object_max is held whole.
std::uint64_t upload_bytes(const net::BodyFraming& framing, const Config& config) {
  std::uint64_t body = 0;
  if (framing.kind == net::BodyFraming::Kind::kChunked)
    body = config.small_object_max + kBuffers;
  else if (framing.length > config.small_object_max)
    body = kBuffers;  // it goes to its file as it comes
  else
    body = framing.length;
  return kUploadBytes + body;
}

std::uint64_t read_bytes(const std::optional<store::IndexEntry>& here, const Config& config) {
  if (!here) return kReadBytes + kBufferBytes;
  return kReadBytes + (here->size > config.small_object_max ? kBuffers : here->size);
}

}  // namespace brigade::node
