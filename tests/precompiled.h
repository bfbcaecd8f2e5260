// The headers that cost most to read, once for all tests.
#pragma once

#include <catch2/catch.hpp>
#include <rapidcheck.h>
