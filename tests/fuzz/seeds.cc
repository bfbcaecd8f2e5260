// Writes a seed corpus: one input of each kind for each target, as DIR/TARGET/KIND.
#include "../../src/wire/little_endian.h"
#include "wire/samples.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

namespace {

using namespace brigade;

void write(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush())
    throw std::filesystem::filesystem_error("can't write", path, std::make_error_code(std::errc::io_error));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: fuzz_seeds DIR\n";
    return 2;
  }
  const std::filesystem::path dir = argv[1];
  // The MAC does not matter: the target makes it right.
  wire::DatagramSealer sealer(wire::sample_secret(), ClusterId{0xc1}, NodeId{0x1111}, Incarnation{7});
  wire::Bytes run;
  for (const auto& message : wire::sample_messages()) {
    const std::string kind(kind_name(message));
    write(dir / "message" / kind, encode(message));
    const wire::Bytes datagram = sealer.seal(message);
    wire::Bytes one;
    for (wire::Bytes* out : {&one, &run}) {
      wire::put(*out, static_cast<std::uint16_t>(datagram.size()));
      out->insert(out->end(), datagram.begin(), datagram.end());
    }
    write(dir / "datagram" / kind, one);
  }
  write(dir / "datagram" / "all", run);
  for (const auto& change : wire::sample_changes())
    write(dir / "change" / std::string(kind_name(change)), encode(change));
  // The target puts header and checksum around the payload itself.
  const wire::Bytes snapshot = encode(wire::sample_snapshot());
  write(dir / "snapshot" / "payload", std::span(snapshot).subspan(16, snapshot.size() - 24));
  write(dir / "snapshot" / "whole", snapshot);
  return 0;
}
