// Every bound on what comes from outside, in one place.  Source: design §1, §2, §7; testing "HTTP is an attack
// surface".
#pragma once

#include <cstddef>
#include <cstdint>

namespace brigade::limits {

inline constexpr std::size_t kKeyBytesMax = 1024;
inline constexpr std::size_t kContentTypeBytesMax = 255;
inline constexpr std::uint64_t kObjectBytesMax = std::uint64_t{1} << 40;
inline constexpr std::size_t kNodesMax = 1024;
inline constexpr std::size_t kNameBytesMax = 63;      ///< Node and zone names: [A-Za-z0-9._-]+
inline constexpr std::size_t kAddressBytesMax = 127;  ///< host:port
inline constexpr std::uint32_t kWeightMax = 1'000'000;
inline constexpr std::uint32_t kEventLoopsMax = 256;
inline constexpr std::size_t kDatagramBytesMax = 1400;
inline constexpr std::size_t kEntryBytesMax =
    1000;  ///< A log entry's payload, so that it fits a datagram with its frame.
inline constexpr std::size_t kReorderEntriesMax = 1024;
inline constexpr std::size_t kSettingBytesMax = 200;

}  // namespace brigade::limits
