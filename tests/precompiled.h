// The headers that cost most to read, once for all tests.
#pragma once

#include "../src/base/precompiled.h"

#include <catch2/catch.hpp>
#include <rapidcheck.h>
