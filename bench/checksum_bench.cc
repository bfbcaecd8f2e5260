// What the checksum of a body costs, which is looked at before the first byte of it leaves (design §6): bench/get.py
// sets it against the processor time of a whole GET.
#include <cstddef>
#include <vector>

#include <benchmark/benchmark.h>

#include "brigade/base/checksum.h"

namespace {

void verify(benchmark::State& state) {
  const std::vector<std::byte> body(static_cast<std::size_t>(state.range(0)), std::byte{0x5a});
  for (auto _ : state) benchmark::DoNotOptimize(brigade::checksum(body));
}
BENCHMARK(verify)->Arg(4096)->Arg(65536)->Arg(1048576);

}  // namespace
