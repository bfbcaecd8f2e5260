#include "brigade/base/checksum.h"

#include <array>
#include <cstddef>
#include <new>
#include <utility>

#include <xxhash.h>
#ifdef __x86_64__
#include <xxh_x86dispatch.h>  // the same functions, with the widest registers that the processor has
#endif

#include "brigade/base/check.h"

namespace brigade {
namespace {

void put_little_endian(std::byte* at, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) at[i] = static_cast<std::byte>(value >> (8 * i));
}

/// What one member adds to a digest: bytes in a fixed order, so that all machines agree.
XXH128_hash_t mixed(const ObjectId& id, Revision revision) {
  std::array<std::byte, 24> bytes;
  put_little_endian(bytes.data(), id.high);
  put_little_endian(bytes.data() + 8, id.low);
  put_little_endian(bytes.data() + 16, revision.value);
  return XXH3_128bits(bytes.data(), bytes.size());
}

}  // namespace

ObjectId object_id(NamingSecret secret, std::string_view key) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(key.data(), key.size(), secret.seed);
  return {.high = hash.high64, .low = hash.low64};
}

std::uint64_t checksum(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}
std::uint64_t checksum(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

struct ChecksumStream::State {
  State() : xxh(XXH3_createState()) {
    if (xxh == nullptr) throw std::bad_alloc();
    XXH3_64bits_reset(xxh);
  }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  XXH3_state_t* xxh;
};

ChecksumStream::ChecksumStream() : state_(std::make_unique<State>()) {}
ChecksumStream::~ChecksumStream() = default;
ChecksumStream::ChecksumStream(ChecksumStream&&) noexcept = default;
ChecksumStream& ChecksumStream::operator=(ChecksumStream&&) noexcept = default;

void ChecksumStream::update(std::span<const std::byte> bytes) {
  BRIGADE_CHECK(state_ != nullptr, "used after it was moved from");
  if (!bytes.empty()) XXH3_64bits_update(state_->xxh, bytes.data(), bytes.size());
}

std::uint64_t ChecksumStream::value() const {
  BRIGADE_CHECK(state_ != nullptr, "used after it was moved from");
  return XXH3_64bits_digest(state_->xxh);
}

void Digest::add(const ObjectId& id, Revision revision) {
  const XXH128_hash_t term = mixed(id, revision);
  low += term.low64;
  high += term.high64 + (low < term.low64 ? 1 : 0);
  ++count;
}

void Digest::remove(const ObjectId& id, Revision revision) {
  BRIGADE_CHECK(count > 0, "removing " << to_string(id) << " from the digest of nothing");
  const XXH128_hash_t term = mixed(id, revision);
  high -= term.high64 + (low < term.low64 ? 1 : 0);
  low -= term.low64;
  --count;
}

}  // namespace brigade
