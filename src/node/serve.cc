// Puts a node together and runs it.  Source: design §7 `brigade serve`.
#include "brigade/node/serve.h"

#include "client_endpoint.h"
#include "comparer.h"
#include "disks.h"
#include "filler.h"
#include "hand_over.h"
#include "node_context.h"
#include "operator_endpoint.h"
#include "peer_endpoint.h"
#include "read_loop.h"
#include "repairer.h"
#include "scrub_task.h"
#include "thread_role.h"
#include "tombstone_collector.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <sched.h>
#include <sys/resource.h>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "brigade/base/limits.h"
#include "brigade/net/http_client.h"
#include "brigade/net/http_server.h"
#include "brigade/node/config.h"
#include "brigade/node/control.h"
#include "brigade/node/data_lock.h"
#include "brigade/store/journal.h"
#include "brigade/store/segment_store.h"
#include "brigade/wire/codec.h"

namespace brigade::node {

namespace {

constexpr std::size_t kDiskThreads = 8;
constexpr std::size_t kSnapshotBytesMax = std::size_t{64} << 20;
constexpr std::chrono::milliseconds kDrain{5000};
constexpr std::chrono::milliseconds kHealthTurn{200};
constexpr std::chrono::milliseconds kMaintenanceTurn{100};
constexpr std::chrono::milliseconds kProgressTurn{1000};

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// That this process may use: in a container, or pinned, fewer than the machine has. More loops than cores take turns
/// of milliseconds.
std::uint32_t usable_cores() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<std::uint32_t>(CPU_COUNT(&set));
  return std::thread::hardware_concurrency();
}

/// Everything that one process holds, in the order in which it must be made and unmade.
class Process {
 public:
  explicit Process(const ServeOptions& options) : options_(options), dir_{options.data_dir}, disk_(kDiskThreads) {}

  int run() {
    if (auto started = start(); !started) {
      spdlog::error("cannot start data={} error=\"{}\"", dir_.root, started.error().detail());
      std::cerr << "brigade: the node in " << dir_.root << " can't start: " << started.error().detail() << '\n';
      shut();
      return 1;
    }
    spdlog::info("serving clients at http://{} peers={} node={} id={}", client_server_->address(),
                 peer_server_->address(), config_.name, to_string(context_->self));
    take_role(ThreadRole::kData);
    io_.run();
    shut();
    spdlog::info("stopped");
    if (exit_code_ != 0) {
      // Requests may still be under way: nothing would unmake their coroutines before what they refer to.
      spdlog::shutdown();
      std::_Exit(exit_code_);
    }
    return exit_code_;
  }

 private:
  Status start() {
    auto config = load_config(dir_);
    if (!config) return config.error();
    config_ = std::move(*config);
    for (const std::string& disk : options_.disks)
      if (std::ranges::find(config_.disks, disk) == config_.disks.end()) config_.disks.push_back(disk);
    if (auto ok = check_config(config_); !ok) return ok;
    auto lock = DataLock::take(dir_, Sharing::kAlone, "a node serves from it");
    if (!lock) return lock.error();
    lock_ = std::move(*lock);
    spdlog::set_level(spdlog::level::from_str(config_.log_level));
    auto secret = load_secret(dir_);
    if (!secret) return secret.error();
    // All that another release may have written is looked at before anything is changed.
    if (auto ok = check_disk_versions(file_system_, dir_, config_.disks); !ok) return ok;
    auto seen = store::Journal::read(dir_.journal(), options_.speaks);
    if (!seen && seen.error().code() == Errc::kNotFound)
      return Error{Errc::kNotFound,
                   seen.error().detail() +
                       ", which knows what this node has promised: bring it back if it was moved. If it is lost, so is "
                       "this node: `brigade remove` it, and bootstrap another one in an empty directory"};
    if (!seen) return seen.error();
    identity_ = seen->identity;
    if (identity_.cluster != config_.cluster)
      return Error{Errc::kConflict, "the journal in " + dir_.root + " is of cluster " + to_string(identity_.cluster) +
                                        ", brigade.toml of " + to_string(config_.cluster) + ": do not mix directories"};
    if (seen->damaged)
      return Error{Errc::kCorrupt,
                   "the log in " + dir_.journal() +
                       " is damaged: this node can't say what it had promised. Remove it from the cluster and "
                       "bootstrap it anew in an empty directory"};
    auto journal = store::Journal::open(dir_.journal(), options_.speaks);
    if (!journal) return journal.error();
    journal_ = std::move(*journal);
    if (auto opened = open_store(); !opened) return opened;
    peer_auth_ = net::PeerAuth{*secret, identity_.cluster, identity_.node, options_.speaks};
    peers_ = net::HttpClient::make(io_.get_executor(), peer_options());
    // Its doors are open before the others hear of it: who finds one closed says that this node is down. Nobody is
    // answered before all of it stands, since this thread is the one that answers.
    if (auto listening = listen(); !listening) return listening;
    if (auto started = start_control(*secret); !started) return started;
    context_.emplace(io_.get_executor(), config_, identity_.node, *control_, *store_, *peers_, disk_);
    client_.emplace(*context_);
    operator_.emplace(*context_, *secret);
    peer_.emplace(*context_);
    filler_.emplace(*context_);
    comparer_.emplace(*context_);
    repairer_.emplace(*context_);
    scrub_.emplace(*context_);
    tombstones_.emplace(*context_);
    pacer_.emplace(*context_);
    if (disks_->set != nullptr) keeper_.emplace(*context_, *disks_->set, std::move(disks_->known));
    if (auto reading = start_read_loops(); !reading) return reading;
    background_.emplace(io_.get_executor());
    background_->spawn(filler_->run());
    background_->spawn(comparer_->run());
    background_->spawn(repairer_->run());
    background_->spawn(scrub_->run());
    background_->spawn(tombstones_->run());
    background_->spawn(pacer_->run());
    if (keeper_) background_->spawn(keeper_->run());
    background_->spawn(watch_health());
    background_->spawn(maintain_store());
    asio::co_spawn(io_, wait_for_signal(), asio::detached);
    return {};
  }

  Status open_store() {
    store::SegmentStoreOptions options;
    options.on_corrupt = [](const std::string& file, std::uint64_t offset, const std::string& reason) {
      spdlog::error("corrupt record file={} offset={} reason=\"{}\"", file, offset, reason);
    };
    options.on_progress = [last = std::chrono::steady_clock::now()](std::uint64_t done, std::uint64_t total) mutable {
      const auto now = std::chrono::steady_clock::now();
      if (now - last < kProgressTurn) return;
      last = now;
      spdlog::info("reading segments done_bytes={} of_bytes={}", done, total);
    };
    options.small_bytes_max = config_.small_object_max;
    auto opened = open_disks(file_system_, dir_, config_.disks, options_.give_up, identity_, options);
    if (!opened) return opened.error();
    disks_ = std::move(*opened);
    store_ = disks_->store.get();
    const store::StoreStats stats = store_->stats();
    spdlog::info("store open objects={} bytes={} corrupt={}", stats.objects, stats.bytes, stats.corrupt);
    return {};
  }

  Status start_control(const wire::ClusterSecret& secret) {
    Control::Options options;
    options.config = config_;
    options.self = {identity_.node,
                    config_.name,
                    config_.zone,
                    config_.weight,
                    config_.client_advertise.empty() ? config_.client_listen : config_.client_advertise,
                    config_.peer_advertise.empty() ? config_.peer_listen : config_.peer_advertise,
                    identity_.store,
                    options_.speaks};
    options.secret = secret;
    options.journal = std::move(journal_);
    options.on_view = [](const std::shared_ptr<const View>&) {};
    options.fetch_index = [this](std::string address) {
      asio::co_spawn(io_, fetch_index(std::move(address)), asio::detached);
    };
    options.on_fatal = [this](std::string why) { asio::post(io_, [this, why = std::move(why)] { leave(why); }); };
    auto started = Control::start(std::move(options));
    if (!started) return started.error();
    control_ = std::move(*started);
    return {};
  }

  net::ClientOptions peer_options() const {
    net::ClientOptions options;
    options.peer_auth = &*peer_auth_;
    options.connect_timeout = std::chrono::seconds{1};
    return options;
  }

  net::ServerOptions server_options(const std::string& address) const {
    net::ServerOptions options;
    options.address = address;
    options.sharing = net::ServerOptions::Sharing::kFirst;
    options.on_error = [](std::string what) { spdlog::error("defect in a request handler: {}", what); };
    return options;
  }

  net::ServerOptions peer_server_options() const {
    net::ServerOptions options = server_options(config_.peer_listen);
    options.peer_auth = &*peer_auth_;
    return options;
  }

  Status listen() {
    net::Handler to_client = [this](net::Request& request, net::Response& response) {
      return request.head().target.starts_with("/o/") ? client_->handle(request, response)
                                                      : operator_->handle(request, response);
    };
    auto clients = net::HttpServer::start(io_.get_executor(), server_options(config_.client_listen), to_client);
    if (!clients) return clients.error();
    client_server_ = std::move(*clients);
    net::Handler to_peer = [this](net::Request& request, net::Response& response) {
      return peer_->handle(request, response);
    };
    auto peers = net::HttpServer::start(io_.get_executor(), peer_server_options(), to_peer);
    if (!peers) return peers.error();
    peer_server_ = std::move(*peers);
    return {};
  }

  Status start_read_loops() {
    const DataServers servers{*client_server_, *peer_server_};
    const std::uint32_t cores = std::clamp(usable_cores(), 1U, limits::kEventLoopsMax);
    const std::uint32_t loops = config_.event_loops > 0 ? config_.event_loops : cores;
    while (read_loops_.size() + 1 < loops) {
      auto loop = ReadLoop::start(*context_, servers, server_options(config_.client_listen), peer_server_options(),
                                  peer_options());
      if (!loop) return loop.error();
      read_loops_.push_back(std::move(*loop));
    }
    return {};
  }

  asio::awaitable<void> fetch_index(std::string address) {
    net::RequestHead head;
    head.method = "GET";
    head.target = "/peer/index";
    std::string none;
    auto answer = co_await peers_->fetch(std::move(address), std::move(head), std::move(none), kSnapshotBytesMax);
    if (!answer) {
      control_->index_fetched(answer.error());
    } else if (answer->first.status != 200) {
      control_->index_fetched(Error{Errc::kUnavailable, "the peer answered " + std::to_string(answer->first.status)});
    } else {
      control_->index_fetched(wire::decode_snapshot(std::as_bytes(std::span(answer->second)), options_.speaks));
    }
  }

  /// A disk that failed ends the node: it must not go on as if it held what it can't write (design §6).
  asio::awaitable<void> watch_health() {
    while (!stopping_) {
      if (auto why = store_->failed()) leave("the object store failed: " + *why);
      co_await pause_for(kHealthTurn);
    }
  }

  /// Space given back, segments prepared, snapshots of the index: the store does it only when it is called.
  asio::awaitable<void> maintain_store() {
    while (!stopping_) {
      const auto view = control_->view();
      store_->set_retention(view->map.settings().retention);
      store_->set_compaction_bandwidth(view->map.settings().compaction_bandwidth);
      auto step = [this] { return store_->maintain(wall_now()); };
      const store::MaintainResult result = co_await disk_.run_behind(std::move(step));
      if (result.again) continue;
      const bool rests = result.rest > Duration{} && result.rest < kMaintenanceTurn;
      co_await pause_for(rests ? result.rest : kMaintenanceTurn);
    }
  }

  void leave(const std::string& why) {
    spdlog::critical("this node leaves: {}", why);
    exit_code_ = 1;
    io_.stop();
  }

  asio::awaitable<void> wait_for_signal() {
    asio::signal_set signals(io_, SIGTERM, SIGINT);
    auto [error, signal] = co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
    spdlog::info("signal={} draining", signal);
    stopping_ = true;
    filler_->stop();
    comparer_->stop();
    repairer_->stop();
    scrub_->stop();
    tombstones_->stop();
    pacer_->stop();
    if (keeper_) keeper_->stop();
    // What belongs to the data plane's loop comes to it from the others: it ends last.
    for (const auto& loop : read_loops_) co_await loop->drain_clients(kDrain);
    co_await client_server_->drain(kDrain);
    co_await background_->wait();
    co_await hand_over(*context_);
    for (const auto& loop : read_loops_) co_await loop->drain_peers(kDrain);
    co_await peer_server_->drain(kDrain);
    read_loops_.clear();
    peers_->clear();
    io_.stop();
  }

  void shut() {
    if (control_) control_->stop();
    disk_.join();
    if (store_ != nullptr) store_->confirm();
  }

  const ServeOptions& options_;
  DataDir dir_;
  DataLock lock_;
  asio::io_context io_{1};
  BlockingPool disk_;
  store::PosixFileSystem file_system_;
  Config config_;
  store::Identity identity_;
  std::unique_ptr<store::Journal> journal_;
  std::optional<OpenDisks> disks_;
  store::ObjectStore* store_ = nullptr;  ///< of disks_
  std::optional<net::PeerAuth> peer_auth_;
  std::unique_ptr<net::HttpClient> peers_;
  std::unique_ptr<Control> control_;
  std::optional<NodeContext> context_;
  std::optional<ClientEndpoint> client_;
  std::optional<OperatorEndpoint> operator_;
  std::optional<PeerEndpoint> peer_;
  std::optional<Filler> filler_;
  std::optional<Comparer> comparer_;
  std::optional<Repairer> repairer_;
  std::optional<ScrubTask> scrub_;
  std::optional<TombstoneCollector> tombstones_;
  std::optional<FillPacer> pacer_;
  std::optional<DiskKeeper> keeper_;
  std::unique_ptr<net::HttpServer> client_server_;
  std::unique_ptr<net::HttpServer> peer_server_;
  std::vector<std::unique_ptr<ReadLoop>> read_loops_;
  std::optional<TaskGroup> background_;
  bool stopping_ = false;
  int exit_code_ = 0;
};

}  // namespace

int serve(const ServeOptions& options) {
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  std::signal(SIGPIPE, SIG_IGN);
  raise_file_limit();
  return Process(options).run();
}

}  // namespace brigade::node
