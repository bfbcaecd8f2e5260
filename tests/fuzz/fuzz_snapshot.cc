// Any payload under a right header and checksum is refused, or is a snapshot that survives being encoded again.
#include "../../src/wire/little_endian.h"
#include "fuzz_input.h"

#include "brigade/base/check.h"
#include "brigade/base/checksum.h"
#include "brigade/wire/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brigade;
  const auto input = fuzz::bytes(data, size);
  BRIGADE_CHECK(!wire::decode_snapshot(input).has_value() || size > 24, "a snapshot of " << size << " bytes");

  wire::Bytes framed{std::byte{'B'}, std::byte{'R'}, std::byte{'S'}, std::byte{'N'}};
  wire::put(framed, wire::kProtocolVersion);
  wire::put(framed, static_cast<std::uint64_t>(size));
  framed.insert(framed.end(), input.begin(), input.end());
  wire::put(framed, checksum(std::span<const std::byte>(framed)));
  const auto snapshot = wire::decode_snapshot(framed);
  if (!snapshot) return 0;
  const auto second = wire::decode_snapshot(wire::encode(*snapshot));
  BRIGADE_CHECK(second && *second == *snapshot, "another snapshot");
  return 0;
}
