// Writes a seed corpus: one input of each kind for each target, as DIR/TARGET/KIND.
#include "seeds.h"

#include "../../src/wire/little_endian.h"
#include "wire/samples.h"

#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>

namespace brigade::fuzz {

void write_seed(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush())
    throw std::filesystem::filesystem_error("can't write", path, std::make_error_code(std::errc::io_error));
}

void write_seed(const std::filesystem::path& path, std::string_view text) {
  write_seed(path, std::as_bytes(std::span(text)));
}

namespace {

void write_datagrams(const std::filesystem::path& dir) {
  // The MAC does not matter: the target makes it right.
  wire::DatagramSealer sealer(wire::sample_secret(), ClusterId{0xc1}, NodeId{0x1111}, Incarnation{7});
  wire::Bytes run;
  for (const auto& message : wire::sample_messages()) {
    const std::string kind(kind_name(message));
    write_seed(dir / "message" / kind, encode(message));
    const wire::Bytes datagram = sealer.seal(message);
    wire::Bytes one;
    for (wire::Bytes* out : {&one, &run}) {
      wire::put(*out, static_cast<std::uint16_t>(datagram.size()));
      out->insert(out->end(), datagram.begin(), datagram.end());
    }
    write_seed(dir / "datagram" / kind, one);
  }
  write_seed(dir / "datagram" / "all", run);
}

/// Kinds as in fuzz_journal.cc.
void put_row(wire::Bytes& out, std::uint8_t kind, std::uint64_t a, std::uint64_t b,
             std::span<const std::byte> payload) {
  wire::put(out, kind);
  for (const std::uint64_t number : {a, b, std::uint64_t{1}}) wire::put(out, number);
  wire::put(out, static_cast<std::uint16_t>(payload.size()));
  out.insert(out.end(), payload.begin(), payload.end());
}

void write_journals(const std::filesystem::path& dir, std::span<const std::byte> snapshot) {
  wire::Bytes whole;
  wire::Bytes damaged;
  std::uint64_t seq = 0;
  for (const auto& change : wire::sample_changes()) {
    ++seq;
    put_row(whole, 4, seq, 4, encode(change));
    put_row(damaged, seq == 3 ? 132 : 4, seq, 4, encode(change));
  }
  put_row(whole, 0, 5, 0, {});
  put_row(damaged, 1, 2, 0, {});
  write_seed(dir / "whole", whole);
  write_seed(dir / "damaged", damaged);
  wire::Bytes behind;
  put_row(behind, 3, 0, 0, snapshot);
  const std::uint64_t last = wire::sample_snapshot().last.seq.value;
  put_row(behind, 4, last + 1, 9, encode(wire::sample_changes().front()));
  put_row(behind, 2, 9, 1, {});
  write_seed(dir / "behind-snapshot", behind);
}

}  // namespace
}  // namespace brigade::fuzz

int main(int argc, char** argv) {
  using namespace brigade;
  if (argc != 2) {
    std::cerr << "usage: fuzz_seeds DIR\n";
    return 2;
  }
  const std::filesystem::path dir = argv[1];
  fuzz::write_datagrams(dir);
  for (const auto& change : wire::sample_changes())
    fuzz::write_seed(dir / "change" / std::string(kind_name(change)), encode(change));
  // The target puts header and checksum around the payload itself.
  const wire::Bytes snapshot = encode(wire::sample_snapshot());
  const auto payload = std::span(snapshot).subspan(16, snapshot.size() - 24);
  fuzz::write_seed(dir / "snapshot" / "payload", payload);
  fuzz::write_seed(dir / "snapshot" / "whole", snapshot);
  fuzz::write_journals(dir / "journal", payload);
  fuzz::write_seed(dir / "buckets" / "all", BucketSet::all().encoded());
  fuzz::write_seed(dir / "buckets" / "some", wire::buckets({1, 2, 3, 700, 701, 40000, 65535}).encoded());
  fuzz::write_text_seeds(dir);
  return 0;
}
