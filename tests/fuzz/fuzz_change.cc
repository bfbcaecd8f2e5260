// Any bytes are refused, or are a change that survives being encoded again.
#include "fuzz_input.h"

#include "brigade/base/check.h"
#include "brigade/wire/codec.h"
#include "brigade/wire/validate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brigade;
  const auto change = wire::decode_change(fuzz::bytes(data, size));
  if (!change) return 0;
  BRIGADE_CHECK(wire::validate(*change).has_value(), "decoded, but not well-formed");
  const auto second = wire::decode_change(wire::encode(*change));
  BRIGADE_CHECK(second && *second == *change, "another change");
  return 0;
}
