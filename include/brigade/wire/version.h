// Which versions of the protocol a program understands.  Source: proto/README.md "Versions".
// Concept: one number for all that nodes say to each other and for the journal. A program speaks up to some version,
//          and reads that one and the one before. What is written is in the version in force, which the log tells.
// Thread:  pure functions.
#pragma once

#include <cstdint>
#include <string>

namespace brigade::wire {

/// What this program speaks. It rises with a release that changes what is sent or written.
inline constexpr std::uint32_t kProtocolVersion = 1;
/// What is in force as long as the log tells of no other.
inline constexpr std::uint32_t kFirstVersion = 1;
/// A frame has a byte for it.
inline constexpr std::uint32_t kVersionMax = 255;

/// The lowest version that a program reads which speaks up to `speaks`.
constexpr std::uint32_t lowest_read(std::uint32_t speaks) {
  return speaks > kFirstVersion ? speaks - 1 : kFirstVersion;
}
constexpr bool reads(std::uint32_t speaks, std::uint32_t version) {
  return version <= speaks && version >= lowest_read(speaks);
}
/// "version 3, and this program reads versions 1 and 2: run a newer release": the end of a sentence that says what has
/// `version`. Requires !reads(speaks, version).
std::string unreadable(std::uint32_t speaks, std::uint32_t version);

}  // namespace brigade::wire
