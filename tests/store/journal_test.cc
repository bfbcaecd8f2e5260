#include "journal_support.h"

#include <cstdio>
#include <filesystem>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace brigade::store {
namespace {

using testing::entries;
using testing::entry;
using testing::epoch;
using testing::file_bytes_of;
using testing::kIdentity;
using testing::snapshot;
using Fixture = testing::JournalFixture;

TEST_CASE_METHOD(Fixture, "a new journal is empty and knows whose it is") {
  open();
  REQUIRE(state.identity == kIdentity);
  REQUIRE(state.incarnation == Incarnation{1});
  REQUIRE(state.promised == Epoch{});
  REQUIRE_FALSE(state.snapshot);
  REQUIRE(state.log.empty());
  REQUIRE(state.commit == Seq{});
  REQUIRE_FALSE(state.damaged);
}

TEST_CASE_METHOD(Fixture, "a journal that exists is not made again, and one that doesn't is not opened") {
  REQUIRE(Journal::create(path, kIdentity, std::nullopt).error().code() == Errc::kConflict);
  REQUIRE(Journal::open(dir.path("none")).error().code() == Errc::kNotFound);
  REQUIRE(Journal::read(dir.path("none")).error().code() == Errc::kNotFound);
  REQUIRE_FALSE(std::filesystem::exists(dir.path("none")));
  std::filesystem::remove(path);
  std::ofstream(path + "-wal") << "left over";
  REQUIRE(Journal::create(path, kIdentity, std::nullopt).error().code() == Errc::kConflict);
  REQUIRE(Journal::create(dir.path("no/dir"), kIdentity, std::nullopt).error().code() == Errc::kIo);
}

TEST_CASE_METHOD(Fixture, "what was flushed is there at the next start, and each start is a new incarnation") {
  open();
  REQUIRE(journal->set_promise(epoch(3)));
  REQUIRE(journal->append(entries(1, 100)));
  REQUIRE(journal->append({}));
  REQUIRE(journal->set_commit(Seq{90}));
  REQUIRE(journal->flush());
  REQUIRE(journal->flush());
  for (std::uint64_t start = 2; start < 5; ++start) {
    open();
    REQUIRE(state.incarnation == Incarnation{start});
    REQUIRE(state.promised == epoch(3));
    REQUIRE(state.log == entries(1, 100));
    REQUIRE(state.commit == Seq{90});
    REQUIRE_FALSE(state.damaged);
  }
}

TEST_CASE_METHOD(Fixture, "what was not flushed is not there at the next start") {
  open();
  REQUIRE(journal->append(entries(1, 10)));
  REQUIRE(journal->flush());
  REQUIRE(journal->set_promise(epoch(3)));
  REQUIRE(journal->append(entries(5, 20, 2)));
  REQUIRE(journal->install_snapshot(snapshot(8)));
  REQUIRE(journal->set_commit(Seq{9}));
  open();
  REQUIRE(state.promised == Epoch{});
  REQUIRE(state.log == entries(1, 10));
  REQUIRE_FALSE(state.snapshot);
  REQUIRE(state.commit == Seq{});
}

TEST_CASE_METHOD(Fixture, "an append replaces what stands at and above its first entry") {
  open();
  REQUIRE(journal->append(entries(1, 10)));
  REQUIRE(journal->flush());
  REQUIRE(journal->append(entries(6, 7, 2)));
  REQUIRE(journal->flush());
  open();
  std::vector<wire::LogEntry> expected = entries(1, 5);
  expected.push_back(entry(6, 2));
  expected.push_back(entry(7, 2));
  REQUIRE(state.log == expected);
}

TEST_CASE_METHOD(Fixture, "a truncated log ends below the cut and goes on from there") {
  open();
  REQUIRE(journal->append(entries(1, 10)));
  REQUIRE(journal->flush());
  REQUIRE(journal->truncate_from(Seq{11}));
  REQUIRE(journal->truncate_from(Seq{4}));
  REQUIRE(journal->append(entries(4, 5, 2)));
  REQUIRE(journal->flush());
  open();
  REQUIRE(state.log.size() == 5);
  REQUIRE(state.log[2] == entry(3));
  REQUIRE(state.log[3] == entry(4, 2));
}

TEST_CASE_METHOD(Fixture, "a snapshot takes the place of the entries that it covers") {
  open();
  REQUIRE(journal->append(entries(1, 10)));
  REQUIRE(journal->install_snapshot(snapshot(6)));
  REQUIRE(journal->flush());
  open();
  REQUIRE(state.snapshot == snapshot(6));
  REQUIRE(state.log == entries(7, 10));
  REQUIRE(state.commit == Seq{6});  // nothing else gets into a snapshot
  // One from elsewhere, far ahead of the log.
  REQUIRE(journal->install_snapshot(snapshot(500)));
  REQUIRE(journal->append(entries(501, 503)));
  REQUIRE(journal->flush());
  open();
  REQUIRE(state.snapshot == snapshot(500));
  REQUIRE(state.log == entries(501, 503));
  REQUIRE_FALSE(state.damaged);
}

TEST_CASE("a joining node's journal starts with the snapshot that it was given") {
  const testing::TempDir dir;
  REQUIRE(Journal::create(dir.path("j"), kIdentity, snapshot(40)));
  const auto journal = Journal::open(dir.path("j"));
  REQUIRE(journal);
  const JournalState state = (*journal)->take_state();
  REQUIRE(state.snapshot == snapshot(40));
  REQUIRE(state.commit == Seq{40});
  REQUIRE((*journal)->append(entries(41, 42)));
  REQUIRE((*journal)->flush());
}

TEST_CASE_METHOD(Fixture, "a commit above the log's own end is not believed at the next start") {
  open();
  REQUIRE(journal->append(entries(1, 10)));
  REQUIRE(journal->set_commit(Seq{15}));
  REQUIRE(journal->flush());
  open();
  REQUIRE(state.commit == Seq{10});
  REQUIRE_FALSE(state.damaged);
}

TEST_CASE_METHOD(Fixture, "a second opener is refused, in this process and in another") {
  open();
  REQUIRE(Journal::open(path).error().code() == Errc::kConflict);
  REQUIRE(Journal::read(path).error().code() == Errc::kConflict);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto second = Journal::open(path);
    ::_exit(!second && second.error().code() == Errc::kConflict ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  REQUIRE(journal->append(entries(1, 2)));
  REQUIRE(journal->flush());
}

TEST_CASE_METHOD(Fixture, "reading for tools changes nothing") {
  open();
  REQUIRE(journal->append(entries(1, 10)));
  REQUIRE(journal->flush());
  // As a killed node leaves it: with a write-ahead log.
  std::filesystem::copy_file(path, dir.path("copy"));
  std::filesystem::copy_file(path + "-wal", dir.path("copy-wal"));
  const std::string before = file_bytes_of(dir.path("copy")) + file_bytes_of(dir.path("copy-wal"));
  for (int i = 0; i < 2; ++i) {
    const auto read = Journal::read(dir.path("copy"));
    REQUIRE(read);
    REQUIRE(read->log == entries(1, 10));
    REQUIRE(read->incarnation == Incarnation{1});
    REQUIRE(file_bytes_of(dir.path("copy")) + file_bytes_of(dir.path("copy-wal")) == before);
  }
}

TEST_CASE_METHOD(Fixture, "a node killed in the middle of writing loses nothing that was flushed") {
  for (int round = 0; round < 5; ++round) {
    int pipe_ends[2];
    REQUIRE(::pipe(pipe_ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(pipe_ends[0]);
      auto opened = Journal::open(path);
      if (!opened) ::_exit(1);
      const JournalState found = (*opened)->take_state();
      std::uint64_t seq = found.log.size();
      for (;;) {
        if (!(*opened)->append(entries(seq + 1, seq + 3)) ||
            !(*opened)->set_promise({found.promised.counter + seq + 1, {}}))
          ::_exit(2);
        if (!(*opened)->flush()) ::_exit(3);
        seq += 3;
        if (::write(pipe_ends[1], &seq, sizeof seq) != sizeof seq) ::_exit(4);
      }
    }
    ::close(pipe_ends[1]);
    std::uint64_t flushed = 0;
    for (int i = 0; i < 20 + round; ++i) REQUIRE(::read(pipe_ends[0], &flushed, sizeof flushed) == sizeof flushed);
    REQUIRE(::kill(child, SIGKILL) == 0);
    std::uint64_t later = 0;
    while (::read(pipe_ends[0], &later, sizeof later) == sizeof later) flushed = later;
    ::close(pipe_ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    const auto read = Journal::read(path);
    REQUIRE(read);
    REQUIRE_FALSE(read->damaged);
    REQUIRE(read->log.size() >= flushed);
    REQUIRE(read->log == entries(1, read->log.size()));
    REQUIRE(read->promised.counter >= flushed - 2);
    REQUIRE(read->incarnation == Incarnation{static_cast<std::uint64_t>(round) + 1});
  }
}

TEST_CASE_METHOD(Fixture,
                 "a promise that doesn't rise, a hole in the log and a cut into the snapshot end the process") {
  open();
  REQUIRE(journal->set_promise(epoch(5)));
  REQUIRE(journal->append(entries(1, 10)));
  REQUIRE(journal->install_snapshot(snapshot(6)));
  REQUIRE(journal->flush());
  const int mistake = GENERATE(range(0, 7));
  INFO("mistake " << mistake);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGABRT, SIG_DFL);
    if (::freopen("/dev/null", "w", stderr) == nullptr) ::_exit(1);
    if (mistake == 0) static_cast<void>(journal->set_promise(epoch(5)));
    if (mistake == 1) static_cast<void>(journal->set_promise(epoch(4)));
    if (mistake == 2) static_cast<void>(journal->append({entry(12)}));
    if (mistake == 3) static_cast<void>(journal->append({entry(6)}));
    if (mistake == 4) static_cast<void>(journal->append({entry(11), entry(13)}));
    if (mistake == 5) static_cast<void>(journal->truncate_from(Seq{6}));
    if (mistake == 6) static_cast<void>(journal->install_snapshot(snapshot(5)));
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(WTERMSIG(status) == SIGABRT);
}

TEST_CASE("a journal on a full disk says so and takes nothing more") {
  const testing::TempDir dir;
  REQUIRE(Journal::create(dir.path("j"), kIdentity, std::nullopt));
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    auto opened = Journal::open(dir.path("j"));
    if (!opened) ::_exit(1);
    const rlimit limit{200'000, 200'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    std::uint64_t seq = 1;
    Status ok;
    for (; ok && seq < 10'000; ++seq) {
      ok = (*opened)->append({entry(seq)});
      if (ok) ok = (*opened)->flush();
    }
    if (ok) ::_exit(3);
    const Errc code = ok.error().code();
    if (code != Errc::kNoSpace && code != Errc::kIo) ::_exit(4);
    ::_exit((*opened)->flush() || (*opened)->set_promise(epoch(9)) ? 5 : 0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  const auto read = Journal::read(dir.path("j"));
  REQUIRE(read);
  REQUIRE_FALSE(read->damaged);
  REQUIRE(read->log == entries(1, read->log.size()));
  REQUIRE_FALSE(read->log.empty());
}

}  // namespace
}  // namespace brigade::store
