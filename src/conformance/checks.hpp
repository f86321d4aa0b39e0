#pragma once

#include <memory>

#include "satsuma/device/device.hpp"
#include "src/conformance/recorder.hpp"

namespace satsuma::conformance {

/// The device at hand and the oracle, which is never the same instance.
struct Subject {
  std::shared_ptr<Device> device;
  std::shared_ptr<Device> reference;
};

// Each function is a part of the suite, in a file of its name.
void check_passes(Recorder& recorder, const Subject& subject);
void check_weights(Recorder& recorder, const Subject& subject);
void check_gradient(Recorder& recorder, const Subject& subject);
void check_sampling(Recorder& recorder, const Subject& subject);
void check_repeat(Recorder& recorder, const Subject& subject);
void check_placement(Recorder& recorder, const Subject& subject);
void check_memory(Recorder& recorder, const Subject& subject);
void check_errors(Recorder& recorder, const Subject& subject);
void check_threads(Recorder& recorder, const Subject& subject);
void measure(Recorder& recorder, const Subject& subject);

/// Runs a check of a pass when the device accepts it and the reference has an answer; refused or unchecked
/// otherwise.
bool accepted(Verdict& verdict, const Support& device, const Support& reference);

}  // namespace satsuma::conformance
