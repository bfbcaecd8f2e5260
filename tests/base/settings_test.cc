#include "brigade/base/settings.h"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace brigade {
namespace {

using namespace std::chrono_literals;
using Values = std::map<std::string, std::string>;

std::string refusal(const Values& values) {
  const Result<Settings> settings = parse_settings(values);
  if (settings) return "accepted";
  CHECK(settings.error().code() == Errc::kInvalid);
  return settings.error().detail();
}

TEST_CASE("no values give the defaults, and the defaults obey their own rules") {
  const Result<Settings> settings = parse_settings({});
  REQUIRE(settings);
  CHECK(*settings == Settings{});
}

TEST_CASE("every setting has a description, and its text reads back as itself") {
  Settings changed;
  changed.heartbeat = 200ms;
  changed.lease = 1s;
  changed.failure_timeout = 2s;
  changed.grace = 1h;
  changed.redundancy = 8;
  changed.min_redundancy = 4;
  changed.write_copies = 3;
  changed.repair_bandwidth = std::uint64_t{64} << 20;
  changed.compaction_bandwidth = std::uint64_t{20} << 20;
  changed.retention = 48h;
  changed.write_deadline = 30s;
  changed.cache_control = "public, max-age=60";
  changed.repair_target = 90s;
  changed.scrub_period = 168h;
  changed.redirect = true;
  for (const Settings& settings : {Settings{}, changed}) {
    Values values;
    for (const SettingDescription& description : setting_descriptions()) {
      CHECK_FALSE(description.about.empty());
      values[std::string(description.name)] = setting_text(settings, description.name);
    }
    const Result<Settings> read = parse_settings(values);
    REQUIRE(read);
    CHECK(*read == settings);
  }
  CHECK(setting_descriptions().size() == 15);
  CHECK(setting_text(changed, "repair_bandwidth") == "64MiB/s");
  CHECK(setting_text(Settings{}, "heartbeat") == "100ms");
  CHECK(setting_text(Settings{}, "retention") == "1d");
}

TEST_CASE("an unknown setting is refused with the names that there are") {
  CHECK_THAT(refusal({{"hartbeat", "1s"}}), Catch::Contains("\"hartbeat\"") && Catch::Contains("heartbeat, lease"));
}

TEST_CASE("a value out of bounds is refused with the setting's name, the value and what is allowed") {
  struct Case {
    const char* name;
    const char* text;
    const char* allowed;
  };
  const Case cases[] = {
      {"heartbeat", "9ms", "10ms to 1min"},
      {"heartbeat", "61s", "10ms to 1min"},
      {"heartbeat", "100", "10ms to 1min"},
      {"lease", "29ms", "30ms to 5min"},
      {"lease", "1h", "30ms to 5min"},
      {"failure_timeout", "11min", "30ms to 10min"},
      {"grace", "366d", "0s to 365d"},
      {"grace", "-1s", "0s to 365d"},
      {"redundancy", "3", "1, 2, 4, 8 or 16"},
      {"redundancy", "32", "1, 2, 4, 8 or 16"},
      {"redundancy", "2 ", "1, 2, 4, 8 or 16"},
      {"min_redundancy", "0", "1, 2, 4, 8 or 16"},
      {"write_copies", "0", "1 to 16"},
      {"write_copies", "17", "1 to 16"},
      {"write_copies", "two", "1 to 16"},
      {"repair_bandwidth", "1B/s", "1KiB/s to 1TiB/s"},
      {"repair_bandwidth", "2TiB", "1KiB/s to 1TiB/s"},
      {"repair_bandwidth", "/s", "1KiB/s to 1TiB/s"},
      {"retention", "4000d", "0s to 3650d"},
      {"write_deadline", "99ms", "100ms to 10min"},
      {"cache_control", "a\r\nSet-Cookie: x", "printable ASCII"},
      {"cache_control", " private", "printable ASCII"},
      {"redirect", "yes", "true or false"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name, c.text);
    CHECK_THAT(refusal({{c.name, c.text}}), Catch::StartsWith("setting " + std::string(c.name) + ": \"") &&
                                                Catch::Contains(c.text) && Catch::Contains(c.allowed));
  }
  CHECK_THAT(refusal({{"cache_control", std::string(201, 'x')}}), Catch::Contains("at most 200 bytes"));
}

TEST_CASE("the bounds themselves are allowed") {
  CHECK(parse_settings({{"heartbeat", "10ms"}, {"lease", "30ms"}, {"failure_timeout", "30ms"}}));
  CHECK(parse_settings({{"heartbeat", "1min"}, {"lease", "5min"}, {"failure_timeout", "10min"}}));
  CHECK(parse_settings({{"grace", "0s"}, {"retention", "0s"}, {"write_deadline", "100ms"}}));
  CHECK(parse_settings({{"repair_bandwidth", "0"}, {"write_copies", "16"}, {"cache_control", ""}}));
  CHECK(parse_settings({{"repair_bandwidth", "1024"}}));
  CHECK(parse_settings({{"redundancy", "16"}, {"min_redundancy", "16"}}));
}

TEST_CASE("a lease shorter than three heartbeats is refused, and the text says which would do") {
  CHECK(parse_settings({{"lease", "300ms"}}));
  CHECK_THAT(refusal({{"lease", "299ms"}}), Catch::Contains("lease: 299ms") && Catch::Contains("at least 300ms"));
  CHECK_THAT(refusal({{"heartbeat", "150ms"}}), Catch::Contains("lease: 400ms") && Catch::Contains("at least 450ms"));
}

TEST_CASE("a failure timeout shorter than the lease is refused") {
  CHECK(parse_settings({{"failure_timeout", "400ms"}}));
  CHECK_THAT(refusal({{"failure_timeout", "399ms"}}),
             Catch::Contains("failure_timeout: 399ms") && Catch::Contains("at least 400ms"));
}

TEST_CASE("a minimum redundancy above the default redundancy is refused") {
  CHECK(parse_settings({{"redundancy", "1"}, {"min_redundancy", "1"}}));
  CHECK_THAT(refusal({{"redundancy", "1"}}), Catch::Contains("min_redundancy: 2") && Catch::Contains("at most 1"));
}

TEST_CASE("durations are read exactly") {
  const std::pair<const char*, Duration> good[] = {
      {"0s", 0ns},  {"100ms", 100ms}, {"10min", 10min},  {"1h", 1h},
      {"2d", 48h},  {"1.5s", 1500ms}, {"0.25ms", 250us}, {"7ns", 7ns},
      {"3us", 3us}, {"1.50h", 90min}, {"0.1d", 144min},  {"106751d", 106751 * Duration(24h)},
  };
  for (const auto& [text, duration] : good) {
    CAPTURE(text);
    const Result<Duration> read = parse_duration(text);
    REQUIRE(read);
    CHECK(*read == duration);
  }
  for (const char* text : {"", "s", "1", "1 s", " 1s", "1S", "1.s", ".5s", "-1s", "+1s", "1e3s", "0.5ns", "1m", "1s1",
                           "106752d", "99999999999999999999s", "0x1s", "1,5s", "0.00000000000000000000001s"}) {
    CAPTURE(text);
    const Result<Duration> read = parse_duration(text);
    REQUIRE_FALSE(read);
    CHECK_THAT(read.error().detail(), Catch::Contains("is not a duration") && Catch::Contains("100ms"));
  }
}

TEST_CASE("sizes are read exactly") {
  const std::pair<const char*, std::uint64_t> good[] = {
      {"0", 0},          {"17", 17},           {"17B", 17},          {"64KiB", 65536},
      {"1MiB", 1 << 20}, {"200MB", 200000000}, {"1.5KiB", 1536},     {"2kB", 2000},
      {"2KB", 2000},     {"1GiB", 1 << 30},    {"0.5GB", 500000000}, {"18446744073709551615", ~std::uint64_t{0}},
  };
  for (const auto& [text, size] : good) {
    CAPTURE(text);
    const Result<std::uint64_t> read = parse_size(text);
    REQUIRE(read);
    CHECK(*read == size);
  }
  for (const char* text :
       {"", "B", "1.5", "0.3B", "1 KiB", "-1", "1Kib", "1MiB/s", "18446744073709551616", "16777216TiB"}) {
    CAPTURE(text);
    const Result<std::uint64_t> read = parse_size(text);
    REQUIRE_FALSE(read);
    CHECK_THAT(read.error().detail(), Catch::Contains("is not a size") && Catch::Contains("64KiB"));
  }
}

TEST_CASE("what is written as text reads back as the same duration or size") {
  CHECK(duration_text(0ns) == "0s");
  CHECK(duration_text(90s) == "90s");
  CHECK(duration_text(120s) == "2min");
  CHECK(duration_text(1500us) == "1500us");
  CHECK(duration_text(-1ms) == "-1ms");
  CHECK(size_text(0) == "0B");
  CHECK(size_text(65536) == "64KiB");
  CHECK(size_text(200000000) == "200MB");
  CHECK(size_text(1001) == "1001B");
  CHECK(rc::check([](std::uint64_t bytes, std::uint32_t shift) {
    const std::uint64_t size = bytes >> (shift % 64) << (shift % 13);
    RC_ASSERT(*parse_size(size_text(size)) == size);
    const Duration duration{static_cast<Duration::rep>(size >> 1)};
    RC_ASSERT(*parse_duration(duration_text(duration)) == duration);
  }));
}

}  // namespace
}  // namespace brigade
