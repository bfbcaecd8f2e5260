// Five nodes, a thousand seeds: safe under faults, and together again after them.  Source: testing "Invariants".
#include "runs.h"

#include <catch2/catch.hpp>

namespace brigade::sim {
namespace {

TEST_CASE("five settled nodes stay safe and come together again: seeds 1 to 50") {
  run_seeds(1, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 51 to 100") {
  run_seeds(51, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 101 to 150") {
  run_seeds(101, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 151 to 200") {
  run_seeds(151, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 201 to 250") {
  run_seeds(201, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 251 to 300") {
  run_seeds(251, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 301 to 350") {
  run_seeds(301, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 351 to 400") {
  run_seeds(351, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 401 to 450") {
  run_seeds(401, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 451 to 500") {
  run_seeds(451, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 501 to 550") {
  run_seeds(501, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 551 to 600") {
  run_seeds(551, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 601 to 650") {
  run_seeds(601, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 651 to 700") {
  run_seeds(651, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 701 to 750") {
  run_seeds(701, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 751 to 800") {
  run_seeds(751, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 801 to 850") {
  run_seeds(801, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 851 to 900") {
  run_seeds(851, 50, false);
}
TEST_CASE("five settled nodes stay safe and come together again: seeds 901 to 950") {
  run_seeds(901, 50, false);
}
TEST_CASE("five nodes that join under faults stay safe and come together: seeds 2001 to 2010") {
  run_seeds(2001, 10, true);
}
TEST_CASE("five nodes that join under faults stay safe and come together: seeds 2011 to 2020") {
  run_seeds(2011, 10, true);
}
TEST_CASE("five nodes that join under faults stay safe and come together: seeds 2021 to 2030") {
  run_seeds(2021, 10, true);
}
TEST_CASE("five nodes that join under faults stay safe and come together: seeds 2031 to 2040") {
  run_seeds(2031, 10, true);
}
TEST_CASE("five nodes that join under faults stay safe and come together: seeds 2041 to 2050") {
  run_seeds(2041, 10, true);
}

}  // namespace
}  // namespace brigade::sim
