// What the store's index costs: memory, starting, and the space that overwriting takes.
//   bench_store_index DIR [OBJECTS]     DIR: an empty or new folder; OBJECTS default 10 000 000
// Goals: at most 48 bytes of memory per object all told; a start with a snapshot of 10^7 objects in under 5 s; without
// one at the disk's speed; space at most 1.5 times what is live at steady overwrite (design §6).
#include "content_index.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "brigade/base/check.h"
#include "brigade/base/prng.h"
#include "brigade/store/file_system.h"
#include "brigade/store/segment_store.h"

namespace brigade::store {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

ObjectId id_of(std::uint64_t number) {
  Prng prng(number);
  return {prng.next(), prng.next()};
}

void measure_memory(std::uint64_t objects) {
  const std::uint64_t before = resident_bytes();
  ContentIndex index;
  for (std::uint64_t n = 0; n < objects; ++n) {
    IndexRecord record;
    record.entry = {.id = id_of(n), .revision = Revision{n + 1}, .level = 1, .size = 65536};
    record.lsn = n + 1;
    index.put(record);
  }
  const double each = static_cast<double>(resident_bytes() - before) / static_cast<double>(objects);
  std::printf("| index memory, bytes per object | %.1f | goal 48 |\n", each);
  const auto start = Clock::now();
  std::uint64_t found = 0;
  constexpr std::uint64_t kLooks = 1'000'000;
  for (std::uint64_t i = 0; i < kLooks; ++i) found += index.find(id_of(i * 7 % objects)).has_value() ? 1 : 0;
  BRIGADE_CHECK(found == kLooks, "an object is missing");
  std::printf("| ... finding one, ns | %.0f | |\n", seconds_since(start) * 1e9 / kLooks);
}

class Bench {
 public:
  explicit Bench(std::string dir) : dir_(std::move(dir)) {}

  void open(SegmentStoreOptions options = {}) {
    options.retention = {};
    auto opened = open_segment_store(file_system_, dir_ + "/store", options);
    BRIGADE_CHECK(opened.has_value(), opened.error().detail());
    store_ = std::move(*opened);
  }

  void fill(std::uint64_t objects, std::size_t size) {
    const std::vector<std::byte> body(size, std::byte{7});
    std::atomic<std::uint64_t> next{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 64; ++i)
      threads.emplace_back([&] {
        for (std::uint64_t n = next++; n < objects; n = next++) put(n, body);
      });
    for (std::thread& thread : threads) thread.join();
  }

  void starts(std::uint64_t objects) {
    SegmentStoreOptions options;
    options.snapshot_every_bytes = 1;
    open(options);
    const auto filling = Clock::now();
    fill(objects, 1);
    std::printf("| storing %llu objects of 1 byte, a second | %.0f | |\n", static_cast<unsigned long long>(objects),
                static_cast<double>(objects) / seconds_since(filling));
    while (store_->maintain(WallTime{}).again) {
    }
    std::fflush(stdout);
    store_.reset();
    auto start = Clock::now();
    open();
    std::printf("| start with a snapshot, s | %.2f | goal 5 for 10^7 |\n", seconds_since(start));
    BRIGADE_CHECK(store_->stats().objects == objects, store_->stats().objects << " objects");
    store_.reset();
    std::filesystem::remove(dir_ + "/store/objects/index.snap");
    std::uint64_t bytes = 0;
    const double bare = read_all(bytes);
    start = Clock::now();
    open();
    const double ours = seconds_since(start);
    BRIGADE_CHECK(store_->stats().objects == objects, store_->stats().objects << " objects");
    std::printf("| start without one: s, of reading the files alone (%.0f MB) | %.2f, %.2f | |\n",
                static_cast<double>(bytes) / 1e6, ours, bare);
    store_.reset();
    std::filesystem::remove_all(dir_ + "/store");
  }

  /// Overwrites at random what fills `live` bytes, five times over, with maintenance beside it.
  void overwrite(std::uint64_t live, std::size_t size) {
    open();
    const std::uint64_t objects = live / size;
    fill(objects, size);
    std::atomic<bool> over{false};
    std::thread house([&] {
      while (!over)
        if (!store_->maintain(WallTime{}).again) std::this_thread::yield();
    });
    const std::vector<std::byte> body(size, std::byte{9});
    Prng prng(3);
    double most = 0;
    const auto start = Clock::now();
    for (std::uint64_t i = 0; i < 5 * objects; i += 64) {
      std::vector<std::thread> threads;
      for (int t = 0; t < 8; ++t)
        threads.emplace_back([&, seed = prng.next()] {
          Prng own(seed);
          for (int k = 0; k < 8; ++k) put(own.below(objects), body);
        });
      for (std::thread& thread : threads) thread.join();
      if (i > objects && i % 4096 == 0) most = std::max(most, space() / static_cast<double>(live));
    }
    const double rate = static_cast<double>(5 * objects) / seconds_since(start);
    over = true;
    house.join();
    std::printf(
        "| steady overwrite of %llu MB in objects of %zu bytes: space over live, the most | %.2f | goal 1.5 |\n",
        static_cast<unsigned long long>(live / 1'000'000), size, most);
    std::printf("| ... PUT a second beside compaction | %.0f | |\n", rate);
    store_.reset();
    std::filesystem::remove_all(dir_ + "/store");
  }

 private:
  void put(std::uint64_t number, std::span<const std::byte> body) {
    auto staged = store_->stage(id_of(number), "bench/" + std::to_string(number), body.size());
    BRIGADE_CHECK(staged.has_value(), staged.error().detail());
    const Status written = (*staged)->write(body);
    const Status finished = written ? (*staged)->finish() : written;
    BRIGADE_CHECK(finished.has_value(), finished.error().detail());
    const CommitInfo info{Revision{next_revision_++}, 1, {}, "image/jpeg"};
    const auto done = store_->commit(std::move(*staged), info);
    // Another thread's write of the same object may have got the higher revision.
    BRIGADE_CHECK(done.has_value() || done.error().code() == Errc::kStale, done.error().detail());
  }

  [[nodiscard]] double space() const {
    std::uint64_t bytes = 0;
    std::error_code gone;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ + "/store/objects", gone))
      if (entry.is_regular_file(gone)) bytes += entry.file_size(gone);
    return static_cast<double>(bytes);
  }

  double read_all(std::uint64_t& bytes) const {
    std::vector<std::byte> buffer(std::size_t{1} << 20);
    const auto start = Clock::now();
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ + "/store/objects/segments")) {
      const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
      for (ssize_t n = 0; (n = ::read(fd, buffer.data(), buffer.size())) > 0;) bytes += static_cast<std::uint64_t>(n);
      ::close(fd);
    }
    return seconds_since(start);
  }

  std::string dir_;
  PosixFileSystem file_system_;
  std::unique_ptr<ObjectStore> store_;
  std::atomic<std::uint64_t> next_revision_{1};
};

}  // namespace
}  // namespace brigade::store

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: bench_store_index DIR [OBJECTS]\n");
    return 2;
  }
  const std::uint64_t objects = argc == 3 ? std::strtoull(argv[2], nullptr, 10) : 10'000'000;
  std::filesystem::create_directories(argv[1]);
  std::printf("| what, with %llu objects | measured | |\n|---|---|---|\n", static_cast<unsigned long long>(objects));
  brigade::store::measure_memory(objects);
  brigade::store::Bench bench(argv[1]);
  bench.starts(objects);
  bench.overwrite(std::uint64_t{512} << 20, 16384);
  return 0;
}
