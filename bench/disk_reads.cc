// The reference for reads of objects: preads of as many bytes at random places of a store's own files.
//   bench_disk_reads DIR --threads N --seconds S [--size N]     DIR: the folder of the store; prints JSON
#include "objects.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <unistd.h>

#include <CLI/CLI.hpp>

namespace brigade::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kFileBytesMin = 1 << 20;  // less is no segment

struct File {
  int descriptor;
  std::uint64_t end;  // of this file, when all are laid end to end
  std::uint64_t size;
};

std::vector<File> open_all(const std::string& folder) {
  std::vector<File> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.file_size() < kFileBytesMin) continue;
    const std::uint64_t before = files.empty() ? 0 : files.back().end;
    files.push_back(
        {::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC), before + entry.file_size(), entry.file_size()});
  }
  return files;
}

void run(const std::string& folder, std::uint64_t threads, double seconds, std::uint64_t size) {
  const std::vector<File> files = open_all(folder);
  if (files.empty()) {
    std::fprintf(stderr, "bench_disk_reads: no segments in %s\n", folder.c_str());
    std::exit(1);
  }
  const auto start = Clock::now();
  const auto since = [](Clock::time_point moment) {
    return std::chrono::duration<double>(Clock::now() - moment).count();
  };
  Latencies all;
  std::mutex mutex;
  const auto read = [&](std::uint64_t seed) {
    Prng prng(seed);
    std::vector<std::byte> buffer(Objects::kLargest);
    while (since(start) < seconds) {
      const std::uint64_t wanted = size ? size : Objects::draw_size(prng);
      const std::uint64_t place = prng.below(files.back().end);
      const File& file = *std::ranges::upper_bound(files, place, {}, &File::end);
      const std::uint64_t count = std::min(wanted, file.size);
      const auto began = Clock::now();
      if (::pread(file.descriptor, buffer.data(), count, static_cast<off_t>(prng.below(file.size - count + 1))) < 0)
        std::abort();
      const double took = since(began);
      const std::lock_guard lock(mutex);
      all.add(took, count);
    }
  };
  std::vector<std::thread> readers;
  for (std::uint64_t i = 0; i < threads; ++i)
    readers.emplace_back(read, static_cast<std::uint64_t>(start.time_since_epoch().count()) + i);
  for (auto& reader : readers) reader.join();
  std::printf("%s\n", boost::json::serialize(all.summary(since(start))).c_str());
}

}  // namespace
}  // namespace brigade::bench

int main(int argc, char** argv) {
  std::string folder;
  std::uint64_t threads = 16, size = 0;
  double seconds = 1;
  CLI::App app("preads at random places of a store's files; prints JSON");
  app.add_option("folder", folder)->required();
  app.add_option("--threads", threads);
  app.add_option("--seconds", seconds);
  app.add_option("--size", size, "of every read; otherwise log-normal");
  CLI11_PARSE(app, argc, argv);
  brigade::bench::run(folder, threads, seconds, size);
}
