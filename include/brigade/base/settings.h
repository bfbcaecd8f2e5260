// Cluster settings: names, defaults, bounds, text forms.  Source: design §7 `brigade settings`, §4 and §5.
// Concept: changed through the log (SettingChanged), so that all nodes agree. Durations and sizes carry units in text
//          ("100ms", "10min", "64MiB/s"); here they are typed. Relations that must hold are checked as a whole.
// Thread:  values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/base/result.h"
#include "brigade/base/time.h"

namespace brigade {

struct Settings {
  Duration heartbeat = std::chrono::milliseconds{100};
  Duration lease = std::chrono::milliseconds{400};            ///< at least 3 heartbeats
  Duration failure_timeout = std::chrono::milliseconds{500};  ///< at least the lease
  Duration grace = std::chrono::minutes{10};
  std::uint32_t redundancy = 2;                       ///< 1, 2, 4, 8, 16
  std::uint32_t min_redundancy = 2;                   ///< 1, 2, 4, 8, 16; at most `redundancy`
  std::uint32_t write_copies = 2;                     ///< 1..16
  std::uint64_t repair_bandwidth = 0;                 ///< bytes/s for filling, per node; 0: no bound
  std::uint64_t compaction_bandwidth = 0;             ///< bytes/s that compaction copies, per disk; 0: no bound
  Duration repair_target = std::chrono::minutes{10};  ///< in which a spell of filling is to end; 0: never yields
  Duration retention = std::chrono::hours{24};        ///< of tombstones, and of what was overwritten or deleted
  Duration write_deadline =
      std::chrono::seconds{10};  ///< for the copies of a write to become durable, once its body is here
  Duration scrub_period = std::chrono::hours{30 * 24};  ///< in which a node reads all that it stores; 0: never
  std::string cache_control = "no-cache";               ///< of GET answers; empty: none
  bool redirect = false;                                ///< answer a GET of what is elsewhere with 307
  bool operator==(const Settings&) const = default;
};

struct SettingDescription {
  std::string_view name;
  std::string_view unit;   ///< "duration", "size/s", "count", "text", "bool"
  std::string_view about;  ///< one line
};
/// All settings in the order that people read them.
const std::vector<SettingDescription>& setting_descriptions();

/// The typed form of `values` over the defaults. Errors: kInvalid, naming the setting and what is allowed.
Result<Settings> parse_settings(const std::map<std::string, std::string>& values);
/// Canonical text of one setting ("100ms"). Requires a known name.
std::string setting_text(const Settings& settings, std::string_view name);

/// "100ms", "10min", "1h", "2d", "1.5s"; a bare number is refused. Errors: kInvalid.
Result<Duration> parse_duration(std::string_view text);
std::string duration_text(Duration duration);
/// "64KiB", "1MiB", "200MB", bare number = bytes. Errors: kInvalid.
Result<std::uint64_t> parse_size(std::string_view text);
std::string size_text(std::uint64_t bytes);

}  // namespace brigade
