#pragma once

#include <functional>
#include <set>
#include <string>

#include "satsuma/conformance/suite.hpp"
#include "satsuma/core/rng.hpp"
#include "satsuma/core/tensor.hpp"

namespace satsuma::conformance {

/// What comes of one check while it runs. The first thing that is wrong is kept.
class Verdict {
 public:
  explicit Verdict(Check& check) : check_(check) {}

  void fail(const std::string& what);
  /// Fails with `what` unless `holds`.
  void require(bool holds, const std::string& what);
  /// Fails when an element of `got` is further than `tolerance` from that of `expected`, or not finite.
  void near(const char* what, const Tensor& got, const Tensor& expected, double tolerance);
  /// Fails unless all elements are the same bits (NaN excluded).
  void same(const char* what, const Tensor& got, const Tensor& expected) { near(what, got, expected, 0); }
  /// Fails when the storage, padding lanes included, holds NaN or infinity: these would spread through
  /// element-wise operations.
  void finite(const char* what, const Tensor& tensor);
  void refused(const std::string& reason);
  void unchecked(const std::string& reason);
  bool failed() const { return check_.outcome == Outcome::failed; }

 private:
  Check& check_;
};

/// Runs the checks whose names the filter lets through, and keeps what comes of them.
class Recorder {
 public:
  Recorder(Report& report, const Options& options) : report_(report), options_(options) {}

  /// `body` draws from a generator that depends on the name and the seed alone. A name that was used before
  /// gets a number: `ff/2:8/f32/any-2`.
  void check(std::string name, const std::function<void(Verdict&, Rng&)>& body);
  /// True when the filter lets `name` through.
  bool wants(const std::string& name) const;
  Report& report() { return report_; }
  const Options& options() const { return options_; }

 private:
  Report& report_;
  const Options& options_;
  std::set<std::string> names_;
};

}  // namespace satsuma::conformance
