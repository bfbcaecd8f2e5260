// dev: a whole cluster on this machine, one child process per node.
#include "api_client.h"
#include "child_process.h"
#include "commands.h"
#include "dev_cluster.h"
#include "free_ports.h"
#include "json_view.h"
#include "open_file.h"
#include "text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "brigade/base/check.h"

namespace brigade::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPollEvery{50};
constexpr milliseconds kStopPatience{20'000};
constexpr std::uint32_t kNodesDefault = 5;

struct Running {
  DevNode node;
  pid_t pid = 0;  ///< 0: not running
  bool ready = false;
  [[nodiscard]] std::string log() const { return node.dir.root + "/log"; }
};

/// The last lines of a node's log, for a message.
std::string log_tail(const std::string& path, std::size_t lines) {
  std::ifstream file(path);
  std::vector<std::string> last;
  for (std::string line; std::getline(file, line);) {
    if (last.size() == lines) last.erase(last.begin());
    last.push_back(line);
  }
  std::string text;
  for (const auto& line : last) text += "  " + line + "\n";
  return text;
}

class DevRun {
 public:
  explicit DevRun(const DevCommand& command)
      : command_(command), root_(fs::absolute(command.data_dir).lexically_normal().string()) {}

  int run() {
    if (auto ok = prepare(); !ok) return fail(ok.error());
    block_signals();
    if (auto ok = start(); !ok) {
      stop();
      return fail(ok.error());
    }
    if (const auto code = wait_until_ready()) {
      stop();
      return *code;
    }
    if (auto ok = tell(); !ok) {
      stop();
      return fail(ok.error());
    }
    watch();
    stop();
    std::cerr << "stopped\n";
    return kDone;
  }

 private:
  Status prepare() {
    std::error_code error;
    const bool is_root_new = fs::create_directories(root_, error);
    if (error) return Error{Errc::kIo, root_ + " can't be made: " + error.message()};
    lock_ = OpenFile(root_ + "/dev.lock", O_RDWR | O_CREAT, 0600);
    if (!lock_.is_open()) return Error{Errc::kIo, root_ + "/dev.lock can't be opened: " + std::strerror(errno)};
    if (::flock(lock_.fd(), LOCK_EX | LOCK_NB) != 0)
      return Error{Errc::kConflict, "another `brigade dev` runs in " + root_ + ": stop it, or choose another --data"};
    DevLayout layout;
    layout.root = root_;
    const auto there = count_dev_nodes(layout.root);
    layout.nodes = command_.nodes.value_or(there > 0 ? there : kNodesDefault);
    layout.client_port = command_.client_port;
    layout.peer_port = command_.peer_port;
    if (command_.transport == "unicast") layout.transport = node::Transport::kUnicast;
    layout.log_level = command_.log_level;
    auto settings = settings_from(command_.settings, command_.redundancy);
    if (!settings) return settings.error();
    if (there > 0 && !settings->empty())
      return Error{Errc::kConflict,
                   "the cluster in " + root_ + " has its settings: change them with `brigade settings`"};
    layout.settings = std::move(*settings);
    auto nodes = prepare_dev_nodes(layout);
    if (!nodes) return nodes.error();
    for (auto& node : *nodes) {
      Running running;
      running.node = std::move(node);
      nodes_.push_back(std::move(running));
    }
    const Status free = check_ports();
    if (!free) remove_what_was_made(there == 0, is_root_new);
    return free;
  }

  /// A cluster that can't start leaves nothing behind, so that the next attempt may ask for other ports.
  void remove_what_was_made(bool all, bool root) const {
    std::error_code ignored;
    for (const auto& running : nodes_)
      if (running.node.made_now) fs::remove_all(running.node.dir.root, ignored);
    if (all) fs::remove(root_ + "/dev.lock", ignored);
    if (root) fs::remove(root_, ignored);
  }

  Status check_ports() const {
    for (const auto& running : nodes_) {
      const auto& config = running.node.config;
      for (const auto& [address, also_udp] :
           {std::pair(config.client_listen, false), std::pair(config.peer_listen, true)}) {
        if (auto free = check_port_free(address, also_udp); !free)
          return Error{free.error().code(),
                       free.error().detail() + ", and " + config.name +
                           " wants it: stop what uses it, or choose other ports " +
                           (running.node.made_now ? std::string("with --client-port and --peer-port")
                                                  : "in " + running.node.dir.config())};
      }
    }
    return {};
  }

  Status start() {
    std::error_code error;
    const auto program = fs::read_symlink("/proc/self/exe", error);
    if (error) return Error{Errc::kIo, "/proc/self/exe can't be read: " + error.message()};
    for (auto& running : nodes_) {
      const auto pid = start_child({program.string(), "serve", "--data", running.node.dir.root}, running.log());
      if (!pid) return pid.error();
      running.pid = *pid;
    }
    return {};
  }

  /// The exit code if it comes to nothing.
  std::optional<int> wait_until_ready() {
    const auto deadline = Clock::now() + std::chrono::seconds{command_.wait_seconds};
    while (std::ranges::any_of(nodes_, [](const Running& running) { return !running.ready; })) {
      const auto event = wait_for_event(kPollEvery);
      if (event.kind == ChildEvent::Kind::kStopSignal) return kDone;
      if (event.kind == ChildEvent::Kind::kEnded) {
        const auto& ended = note_end(event);
        return fail({Errc::kUnavailable, ended.node.config.name + " " + event.how +
                                             " before it was ready; the end of " + ended.log() + ":\n" +
                                             log_tail(ended.log(), 10)});
      }
      for (auto& running : nodes_) running.ready = running.ready || is_ready(running.node.config);
      if (Clock::now() > deadline) return fail({Errc::kTimeout, not_ready_text()});
    }
    return std::nullopt;
  }

  std::string not_ready_text() const {
    std::string names;
    std::string log;
    for (const auto& running : nodes_) {
      if (running.ready) continue;
      names += (names.empty() ? "" : ", ") + running.node.config.name;
      if (log.empty()) log = running.log();
    }
    return names + " did not serve within " + std::to_string(command_.wait_seconds) + " s; the end of " + log + ":\n" +
           log_tail(log, 10);
  }

  static bool is_ready(const node::Config& config) {
    net::RequestHead request;
    request.method = "GET";
    request.target = "/readyz";
    const auto answer = ApiClient(config.client_listen, milliseconds{1'000}).call(request);
    return answer && answer->status == 200;
  }

  Status tell() const {
    json::array list;
    Table table({{"NODE"}, {"URL"}, {"PID", Table::Align::kRight}, {"DATA"}});
    for (const auto& running : nodes_) {
      const auto& config = running.node.config;
      const auto url = "http://" + config.client_listen;
      list.push_back(json::object{{"name", config.name},
                                  {"url", url},
                                  {"client", config.client_listen},
                                  {"peer", config.peer_listen},
                                  {"pid", running.pid},
                                  {"data", running.node.dir.root},
                                  {"log", running.log()}});
      table.row({config.name, url, std::to_string(running.pid), running.node.dir.root});
    }
    const json::object all{
        {"cluster", to_string(nodes_.front().node.config.cluster)}, {"pid", ::getpid()}, {"nodes", std::move(list)}};
    // Under its own name only once it is whole: scripts wait for it.
    const auto draft = description() + ".new";
    std::ofstream file(draft);
    file << pretty(all);
    file.close();
    if (!file || std::rename(draft.c_str(), description().c_str()) != 0)
      return Error{Errc::kIo, description() + " can't be written: " + std::strerror(errno)};
    if (command_.json)
      std::cout << pretty(all) << std::flush;
    else
      std::cout << table.text() << std::flush;
    std::cerr << "\nTry: brigade status --node http://" << nodes_.front().node.config.client_listen
              << "\nlogs are in DATA/log; Ctrl-C stops all nodes\n";
    return {};
  }

  /// Until somebody says stop, or nothing is left to watch.
  void watch() {
    while (true) {
      const auto event = wait_for_event(milliseconds{-1});
      if (event.kind == ChildEvent::Kind::kStopSignal) return;
      if (event.kind != ChildEvent::Kind::kEnded) continue;
      const auto& ended = note_end(event);
      std::cerr << ended.node.config.name << " (pid " << event.pid << ") " << event.how
                << "; to start it again: brigade serve --data " << ended.node.dir.root << "\n";
    }
  }

  const Running& note_end(const ChildEvent& event) {
    const auto found = std::ranges::find(nodes_, event.pid, &Running::pid);
    BRIGADE_CHECK(found != nodes_.end(), "a child with pid " << event.pid << " that nobody started");
    found->pid = 0;
    return *found;
  }

  void stop() {
    std::error_code ignored;
    fs::remove(description(), ignored);
    for (const auto& running : nodes_)
      if (running.pid > 0) ::kill(running.pid, SIGTERM);
    const auto deadline = Clock::now() + kStopPatience;
    bool patient = true;
    while (std::ranges::any_of(nodes_, [](const Running& running) { return running.pid > 0; })) {
      const auto event = wait_for_event(kPollEvery);
      if (event.kind == ChildEvent::Kind::kEnded) note_end(event);
      if (!patient || Clock::now() < deadline) continue;
      patient = false;
      for (const auto& running : nodes_) {
        if (running.pid <= 0) continue;
        complain(running.node.config.name + " did not stop within " + std::to_string(kStopPatience.count() / 1000) +
                 " s and is killed");
        ::kill(running.pid, SIGKILL);
      }
    }
  }

  [[nodiscard]] std::string description() const { return root_ + "/dev.json"; }

  const DevCommand& command_;
  std::string root_;  ///< absolute, for those who read dev.json elsewhere
  OpenFile lock_{-1};
  std::vector<Running> nodes_;
};

}  // namespace

int run_dev(const DevCommand& command) {
  return DevRun(command).run();
}

}  // namespace brigade::cli
