// Without the secret nothing gets in; with it, only well-formed messages do, each counter once.
// The input is a run of datagrams, each behind its length in two bytes. Each is tried as it is and, less its last
// kMacBytes, with a right MAC.
#include "../../src/wire/little_endian.h"
#include "fuzz_input.h"

#include <algorithm>

#include "brigade/base/check.h"
#include "brigade/wire/auth.h"
#include "brigade/wire/validate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brigade;
  static const wire::ClusterSecret secret{};
  static const wire::Authenticator authenticator(secret, "datagram");
  wire::DatagramOpener opener(secret, ClusterId{0xc1}, NodeId{0xaaaa});
  auto input = fuzz::bytes(data, size);
  while (input.size() >= 2) {
    const std::size_t length = std::min<std::size_t>(wire::get<std::uint16_t>(input, 0), input.size() - 2);
    wire::Bytes datagram(input.begin() + 2, input.begin() + 2 + static_cast<std::ptrdiff_t>(length));
    input = input.subspan(2 + length);
    const auto as_it_is = opener.open(datagram);
    BRIGADE_CHECK(!as_it_is, "a datagram without a MAC got in");
    if (datagram.size() < wire::kMacBytes) continue;
    datagram.resize(datagram.size() - wire::kMacBytes);
    const wire::Mac mac = authenticator.mac(datagram);
    datagram.insert(datagram.end(), mac.begin(), mac.begin() + wire::kMacBytes);
    const auto opened = opener.open(datagram);
    if (!opened) continue;
    BRIGADE_CHECK(wire::validate(opened->message).has_value(), "opened, but not well-formed");
    const auto again = opener.open(datagram);
    BRIGADE_CHECK(!again && again.error() == wire::Drop::kReplayed, "a replay got in");
  }
  return 0;
}
