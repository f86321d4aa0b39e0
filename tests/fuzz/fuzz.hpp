#pragma once

#include <cstddef>
#include <cstdint>

/// What libFuzzer calls with each input, and driver.cpp where there is no libFuzzer. Returns 0.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);
