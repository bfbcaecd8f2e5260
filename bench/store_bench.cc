// How quick the store is next to the disk itself: durable writes, reads.
//   bench_store DIR [--quick]     DIR: an empty or new folder on the disk in question; prints the tables of
//   bench/README.md
//   bench_store DIR --bare SIZE GROUP COUNT     only the reference: COUNT records of SIZE bytes in groups of GROUP;
//   prints records a second, and the processor time of one in us. DIR/reference stays, for the next time
// Goals: durable PUT at least 0.8 of a bare loop that writes the same bytes in equal groups; one PUT on an idle store
// at most 1.3 times one bare write and fdatasync (issue of the storage engine; design §6).
//
// The references write and read files as segments are: full of zeros before. Ours and the reference
// alternate; a figure is the median of the rounds, with the least and the most beside it.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <string>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include "brigade/base/check.h"
#include "brigade/base/inbox.h"
#include "brigade/base/prng.h"
#include "brigade/store/file_system.h"
#include "brigade/store/segment_store.h"

namespace brigade::store {
namespace {

using Clock = std::chrono::steady_clock;
using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kReferenceBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kLiveBytes = std::uint64_t{1} << 30;  ///< what PUTs replace
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
constexpr double kMiB = 1 << 20;
constexpr std::size_t kPoolThreads = 8;         // as a node has
constexpr std::uint64_t kRecordOverhead = 256;  // header and footer of a record, as a segment has them

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Bytes random_bytes(std::size_t size, std::uint64_t seed) {
  Bytes bytes(size);
  Prng prng(seed);
  for (std::byte& b : bytes) b = static_cast<std::byte>(prng.next());
  return bytes;
}

ObjectId id_of(std::uint64_t number) {
  Prng prng(number);
  return {prng.next(), prng.next()};
}

struct Spread {
  std::vector<double> all;
  void add(double value) { all.push_back(value); }
  [[nodiscard]] double median() const {
    std::vector<double> sorted = all;
    std::ranges::sort(sorted);
    return sorted[sorted.size() / 2];
  }
  [[nodiscard]] double least() const { return *std::ranges::min_element(all); }
  [[nodiscard]] double most() const { return *std::ranges::max_element(all); }
};

void print_row(const std::string& what, const char* unit, const Spread& ours, const Spread& reference,
               const Spread& ratio) {
  std::printf("| %s | %.0f %s | %.0f %s | %.2f (%.2f to %.2f) |\n", what.c_str(), ours.median(), unit,
              reference.median(), unit, ratio.median(), ratio.least(), ratio.most());
  std::fflush(stdout);
}

/// A file that was written before, and is written again from its start, in groups.
class ReferenceFile {
 public:
  explicit ReferenceFile(const std::string& path) : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    BRIGADE_CHECK(fd_ >= 0, path << ": " << std::strerror(errno));
    if (::lseek(fd_, 0, SEEK_END) == static_cast<off_t>(kReferenceBytes)) return;
    const Bytes zeros(std::size_t{1} << 20);
    for (std::uint64_t at = 0; at < kReferenceBytes; at += zeros.size())
      BRIGADE_CHECK(::pwrite(fd_, zeros.data(), zeros.size(), static_cast<off_t>(at)) > 0, std::strerror(errno));
    BRIGADE_CHECK(::fdatasync(fd_) == 0, std::strerror(errno));
  }
  ~ReferenceFile() { ::close(fd_); }
  ReferenceFile(const ReferenceFile&) = delete;
  ReferenceFile& operator=(const ReferenceFile&) = delete;

  /// Writes `count` records, taken in turn from `records`, in groups of `group`, each group with one call and one
  /// fdatasync. Returns records a second.
  double write(const std::vector<Bytes>& records, std::size_t group, std::size_t count) {
    std::vector<iovec> pieces(group);
    std::size_t next = 0;
    const auto start = Clock::now();
    for (std::size_t done = 0; done < count; done += group) {
      for (iovec& piece : pieces) {
        const Bytes& record = records[next++ % records.size()];
        piece = {const_cast<std::byte*>(record.data()), record.size()};
      }
      const std::uint64_t bytes = group * records[0].size();
      if (at_ + bytes > kReferenceBytes) at_ = 0;
      BRIGADE_CHECK(::pwritev(fd_, pieces.data(), static_cast<int>(group), static_cast<off_t>(at_)) ==
                        static_cast<ssize_t>(bytes),
                    std::strerror(errno));
      BRIGADE_CHECK(::fdatasync(fd_) == 0, std::strerror(errno));
      at_ += bytes;
    }
    return static_cast<double>(count) / seconds_since(start);
  }

 private:
  int fd_;
  std::uint64_t at_ = 0;
};

/// Counts the syncs of files, so that the reference can write in groups of equal size.
class CountedFile final : public File {
 public:
  CountedFile(std::unique_ptr<File> file, std::atomic<std::uint64_t>& syncs, std::atomic<std::uint64_t>& bytes)
      : file_(std::move(file)), syncs_(syncs), bytes_(bytes) {}
  Status sync() override {
    ++syncs_;
    return file_->sync();
  }
  Status truncate(std::uint64_t bytes) override { return file_->truncate(bytes); }
  Result<std::size_t> read_cached(std::uint64_t offset, std::span<std::byte> buffer) override {
    return file_->read_cached(offset, buffer);
  }
  [[nodiscard]] Result<std::uint64_t> size() const override { return file_->size(); }

 private:
  Result<std::size_t> write_some(std::uint64_t offset, std::span<const std::span<const std::byte>> pieces) override {
    std::size_t bytes = 0;
    for (const auto& piece : pieces) bytes += piece.size();
    if (Status ok = file_->write_all(offset, pieces); !ok) return ok.error();
    bytes_ += bytes;
    return bytes;
  }
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> buffer) override {
    return file_->read(offset, buffer);
  }
  std::unique_ptr<File> file_;
  std::atomic<std::uint64_t>& syncs_;
  std::atomic<std::uint64_t>& bytes_;
};

class CountedFileSystem final : public FileSystem {
 public:
  std::atomic<std::uint64_t> syncs{0}, bytes{0};

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    auto file = fs_.open(path, mode);
    if (!file) return file.error();
    return std::unique_ptr<File>(std::make_unique<CountedFile>(std::move(*file), syncs, bytes));
  }
  Status make_directory(const std::string& path) override { return fs_.make_directory(path); }
  Status sync_directory(const std::string& path) override { return fs_.sync_directory(path); }
  Status rename(const std::string& from, const std::string& to) override { return fs_.rename(from, to); }
  Status remove(const std::string& path) override { return fs_.remove(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return fs_.list(path); }
  Result<FileInfo> info(const std::string& path) override { return fs_.info(path); }
  Result<std::uint64_t> free_bytes(const std::string& path) override { return fs_.free_bytes(path); }

 private:
  PosixFileSystem fs_;
};

class Bench {
 public:
  Bench(std::string dir, bool quick) : dir_(std::move(dir)), quick_(quick), rounds_(quick ? 3 : 7) {
    SegmentStoreOptions options;
    options.retention = {};
    options.segment_bytes_min = std::uint64_t{64} << 20;  // as a store has them that holds 4 GiB or more
    auto opened = open_segment_store(file_system_, dir_ + "/store", options);
    BRIGADE_CHECK(opened.has_value(), opened.error().detail());
    store_ = std::move(*opened);
  }

  void run() {
    std::printf("| durable PUT | ours, a second | bare loop, a second | ratio |\n|---|---|---|---|\n");
    {
      ReferenceFile file(dir_ + "/reference");
      for (const std::size_t size : {std::size_t{65536}, std::size_t{4096}})
        for (const std::size_t clients : {1, 16, 64}) puts(file, size, clients);
    }
    std::filesystem::remove(dir_ + "/reference");
    std::printf("\n| random read of 4 KiB | ours, a second | pread, a second | ratio |\n|---|---|---|---|\n");
    reads();
    std::printf("\n| reading all, cold | a scrub | the files alone | ratio |\n|---|---|---|---|\n");
    scrubs();
  }

 private:
  /// What a node does PUTs with: one loop that all clients' requests run on, and threads for what may block.
  struct Threads {
    boost::asio::io_context loop{1};
    boost::asio::thread_pool pool{kPoolThreads};
    std::uint64_t left = 0;  ///< the loop's
    Inbox<const Bytes*> completed;
  };

  /// One PUT after the other by one client: the loop stages and hands in, a thread of the pool writes what waits,
  /// and the loop hears of it.
  void put_next(Threads& threads, const Bytes& body) {
    if (threads.left == 0) return;
    --threads.left;
    const std::uint64_t number = 1 + next_number_++ % objects_;
    const ObjectId id = id_of(number);
    auto staged = store_->stage(id, "bench/" + std::to_string(number), body.size());
    BRIGADE_CHECK(staged.has_value(), staged.error().detail());
    const Status written = (*staged)->write(body);
    const Status finished = written ? (*staged)->finish() : written;
    BRIGADE_CHECK(finished.has_value(), finished.error().detail());
    auto back = boost::asio::prefer(threads.loop.get_executor(), boost::asio::execution::outstanding_work.tracked);
    auto done = [this, &threads, &body, back](Result<ObjectMeta> result) {
      BRIGADE_CHECK(result.has_value(), result.error().detail());
      if (!threads.completed.put(&body)) return;
      boost::asio::post(back, [this, &threads] {
        for (const Bytes* next : threads.completed.take()) put_next(threads, *next);
      });
    };
    const CommitInfo info{Revision{1000 + next_revision_++}, 1, {}, "image/jpeg"};
    if (auto work = store_->commit(std::move(*staged), info, std::move(done)))
      boost::asio::post(threads.pool, std::move(work));
  }

  /// `clients`, each with one PUT under way. Overwrites the same objects over and over, as a store in balance does.
  double put_all(const Bytes& body, std::size_t clients, std::size_t count) {
    Threads threads;
    threads.left = count;
    const auto start = Clock::now();
    for (std::size_t i = 0; i < clients; ++i)
      boost::asio::post(threads.loop, [this, &threads, &body] { put_next(threads, body); });
    threads.loop.run();
    threads.pool.join();
    return static_cast<double>(count) / seconds_since(start);
  }

  void keep_house() {
    while (store_->maintain(WallTime{}).again) {
    }
  }

  void puts(ReferenceFile& file, std::size_t size, std::size_t clients) {
    const Bytes body = random_bytes(size, size);
    // Each client's bytes lie elsewhere, as they do in a store that has clients.
    const std::vector<Bytes> records(clients, random_bytes(size + kRecordOverhead, size));
    const std::size_t count = (quick_ ? 2000 : 4000) * (clients == 1 ? 1 : 4);
    Spread ours, reference, ratio, groups, written;
    // Many segments of objects, as a store has that is in balance: until those that it takes have been there before.
    objects_ = (quick_ ? kLiveBytes / 4 : kLiveBytes) / size;
    for (int round = 0; round < 12; ++round) {
      keep_house();
      put_all(body, 64, objects_ / 4);
    }
    for (int round = 0; round < rounds_; ++round) {
      keep_house();
      const std::uint64_t syncs = file_system_.syncs, bytes = file_system_.bytes;
      std::atomic<bool> over{false};
      std::thread house([&] {  // as a node does
        while (!over)
          if (!store_->maintain(WallTime{}).again) ::usleep(20'000);
      });
      const double here = put_all(body, clients, count);
      over = true;
      house.join();
      const double group = static_cast<double>(count) / static_cast<double>(file_system_.syncs - syncs);
      const double bare = file.write(records, static_cast<std::size_t>(std::max(1.0, group + 0.5)), count);
      ours.add(here);
      reference.add(bare);
      ratio.add(here / bare);
      groups.add(group);
      written.add(static_cast<double>(file_system_.bytes - bytes) / static_cast<double>(count * size));
    }
    char what[96];
    std::snprintf(what, sizeof what, "%zu KiB, %zu client%s: %.1f together, %.2f written for each byte", size / 1024,
                  clients, clients == 1 ? "" : "s", groups.median(), written.median());
    print_row(what, "", ours, reference, ratio);
  }

  void forget_pages() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ + "/store/objects/segments")) {
      const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
      ::fdatasync(fd);
      ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
      ::close(fd);
    }
  }

  double read_ours(const std::vector<std::uint64_t>& numbers) {
    Bytes buffer(4096);
    const auto start = Clock::now();
    for (const std::uint64_t number : numbers) {
      auto reader = store_->open(id_of(number), "bench/" + std::to_string(number));
      BRIGADE_CHECK(reader.has_value(), reader.error().detail());
      const auto n = (*reader)->read(0, buffer);
      BRIGADE_CHECK(n && *n == buffer.size(), "a short read");
    }
    return static_cast<double>(numbers.size()) / seconds_since(start);
  }

  double read_bare(std::size_t count, Prng& prng) const {
    std::vector<int> files;
    for (const auto& entry : std::filesystem::directory_iterator(dir_ + "/store/objects/segments"))
      if (entry.path().extension() == ".seg") files.push_back(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
    std::vector<std::uint64_t> bytes;
    for (const int fd : files) bytes.push_back(static_cast<std::uint64_t>(::lseek(fd, 0, SEEK_END)));
    Bytes buffer(4096 + kRecordOverhead);
    const auto start = Clock::now();
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t file = prng.below(files.size());
      const auto at = static_cast<off_t>(prng.below(bytes[file] - buffer.size()) / 64 * 64);
      BRIGADE_CHECK(::pread(files[file], buffer.data(), buffer.size(), at) > 0, std::strerror(errno));
    }
    const double rate = static_cast<double>(count) / seconds_since(start);
    for (const int fd : files) ::close(fd);
    return rate;
  }

  void reads() {
    const std::size_t objects = quick_ ? 50'000 : 1'000'000;
    objects_ = objects;
    next_number_ = 0;
    put_all(random_bytes(4096, 1), 32, objects);
    keep_house();
    Prng prng(1);
    for (const bool hot : {false, true}) {
      const std::size_t count = hot ? (quick_ ? 50'000 : 200'000) : (quick_ ? 2'000 : 10'000);
      Spread ours, reference, ratio;
      for (int round = 0; round < rounds_; ++round) {
        std::vector<std::uint64_t> numbers;
        for (std::size_t i = 0; i < count; ++i) numbers.push_back(1 + prng.below(objects));
        if (!hot) forget_pages();
        if (hot) read_ours(numbers);
        const double here = read_ours(numbers);
        if (!hot) forget_pages();
        const double bare = read_bare(count, prng);
        ours.add(here);
        reference.add(bare);
        ratio.add(here / bare);
      }
      print_row(std::to_string(objects) + " objects, " + (hot ? "hot" : "cold"), "", ours, reference, ratio);
    }
  }

  /// All that is stored, read and verified without a rest. MiB a second.
  double scrub_all() {
    store_->restart_scrub();
    const std::uint64_t passes = store_->scrub_progress().passes;
    std::uint64_t bytes = 0;
    const auto start = Clock::now();
    while (store_->scrub_progress().passes == passes) bytes += store_->scrub(kPieceBytes, WallTime{1});
    BRIGADE_CHECK(store_->stats().corrupt == 0, "the scrub found damage");
    return static_cast<double>(bytes) / kMiB / seconds_since(start);
  }

  double read_all_bare() const {
    Bytes buffer(kPieceBytes);
    std::uint64_t bytes = 0;
    const auto start = Clock::now();
    for (const auto& entry : std::filesystem::directory_iterator(dir_ + "/store/objects/segments")) {
      if (entry.path().extension() != ".seg") continue;
      const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
      for (ssize_t n = 1; n > 0; bytes += static_cast<std::uint64_t>(n)) {
        n = ::read(fd, buffer.data(), buffer.size());
        BRIGADE_CHECK(n >= 0, std::strerror(errno));
      }
      ::close(fd);
    }
    return static_cast<double>(bytes) / kMiB / seconds_since(start);
  }

  void scrubs() {
    Spread ours, reference, ratio;
    for (int round = 0; round < rounds_; ++round) {
      forget_pages();
      const double here = scrub_all();
      forget_pages();
      const double bare = read_all_bare();
      ours.add(here);
      reference.add(bare);
      ratio.add(here / bare);
    }
    print_row(std::to_string(store_->stats().objects) + " objects", "MiB/s", ours, reference, ratio);
  }

  std::string dir_;
  bool quick_;
  int rounds_;
  CountedFileSystem file_system_;
  std::unique_ptr<ObjectStore> store_;
  std::uint64_t next_revision_ = 0;
  std::uint64_t objects_ = 1;  ///< that PUTs replace, one after the other
  std::uint64_t next_number_ = 0;
};

/// For scripts that compare a node with it.
void run_bare(const std::string& dir, std::size_t size, std::size_t group, std::size_t count) {
  const std::vector<Bytes> records(64, random_bytes(size + kRecordOverhead, size));
  ReferenceFile file(dir + "/reference");
  const std::clock_t before = std::clock();
  const double rate = file.write(records, group, count);
  const double used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  std::printf("%.1f %.2f\n", rate, 1e6 * used / static_cast<double>(count));
}

}  // namespace
}  // namespace brigade::store

int main(int argc, char** argv) {
  if (argc == 6 && std::string(argv[2]) == "--bare") {
    std::filesystem::create_directories(argv[1]);
    const auto number = [argv](int at) { return std::max<std::size_t>(1, std::strtoull(argv[at], nullptr, 10)); };
    brigade::store::run_bare(argv[1], number(3), number(4), number(5));
    return 0;
  }
  const bool quick = argc == 3 && std::string(argv[2]) == "--quick";
  if (argc < 2 || (argc == 3 && !quick) || argc > 3) {
    std::fprintf(stderr, "usage: bench_store DIR [--quick | --bare SIZE GROUP COUNT]\n");
    return 2;
  }
  std::filesystem::create_directories(argv[1]);
  brigade::store::Bench(argv[1], quick).run();
  std::filesystem::remove_all(std::string(argv[1]) + "/store");
  return 0;
}
