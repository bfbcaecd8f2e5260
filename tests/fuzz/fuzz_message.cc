// Any bytes are refused, or are a message that survives being encoded again.
#include "fuzz_input.h"

#include "brigade/base/check.h"
#include "brigade/wire/codec.h"
#include "brigade/wire/validate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brigade;
  const auto message = wire::decode_message(fuzz::bytes(data, size));
  if (!message) return 0;
  BRIGADE_CHECK(wire::validate(*message).has_value(), "decoded, but not well-formed");
  const wire::Bytes again = wire::encode(*message);
  BRIGADE_CHECK(again.size() == wire::encoded_bytes(*message), "a wrong size");
  // What came in may have shared parts that go out twice, so it may have grown over the limit.
  if (again.size() > wire::kMessageBytesMax) return 0;
  const auto second = wire::decode_message(again);
  BRIGADE_CHECK(second && *second == *message, "another message");
  return 0;
}
