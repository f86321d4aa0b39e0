#include "src/conformance/recorder.hpp"

#include <fmt/core.h>
#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "satsuma/core/error.hpp"
#include "src/core/fnv.hpp"

namespace satsuma::conformance {

namespace {

/// Row-major index of the element `at`.
std::string index_text(const Shape& shape, std::size_t at) {
  Shape index = shape;
  auto rest = static_cast<std::int64_t>(at);
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    index[axis] = rest % shape[axis];
    rest /= shape[axis];
  }
  return to_string(index);
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

void Verdict::fail(const std::string& what) {
  if (failed()) return;
  check_.outcome = Outcome::failed;
  check_.detail = one_line(what);
}

void Verdict::require(bool holds, const std::string& what) {
  if (!holds) fail(what);
}

void Verdict::near(const char* what, const Tensor& got, const Tensor& expected, double tolerance) {
  if (!(got.shape() == expected.shape()) || got.dtype() != expected.dtype()) {
    return fail(fmt::format("{} is {} of {}, expected {} of {}", what, to_string(got.shape()),
                            to_string(got.dtype()), to_string(expected.shape()),
                            to_string(expected.dtype())));
  }
  const auto a = got.to_vector<double>();
  const auto b = expected.to_vector<double>();
  double largest = 0;
  std::size_t where = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    double difference = std::abs(a[i] - b[i]);
    if (!std::isfinite(difference)) difference = std::numeric_limits<double>::infinity();
    if (difference <= largest) continue;
    largest = difference;
    where = i;
  }
  check_.tolerance = std::max(check_.tolerance, tolerance);
  check_.error = std::max(check_.error, largest);
  if (largest <= tolerance) return;
  fail(fmt::format(
      "{}{} is {:.9g}, expected {:.9g} {}", what, index_text(got.shape(), where), a[where], b[where],
      tolerance == 0 ? std::string("and the same bits") : fmt::format("within {:.3g}", tolerance)));
}

void Verdict::finite(const char* what, const Tensor& tensor) {
  dispatch_real("conformance", tensor.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const values = tensor.data<T>();
    const bool all =
        std::all_of(values, values + tensor.extent(), [](T value) { return std::isfinite(value); });
    require(all, fmt::format("{} has padding lanes that are not finite; they must be written, too", what));
  });
}

void Verdict::refused(const std::string& reason) {
  check_.outcome = Outcome::refused;
  check_.detail = reason;
  if (reason.empty()) fail("refused without a reason");
  if (reason.find('\n') != std::string::npos) fail("refused with a reason of several lines");
}

void Verdict::unchecked(const std::string& reason) {
  check_.outcome = Outcome::unchecked;
  check_.detail = one_line(reason);
}

bool Recorder::wants(const std::string& name) const {
  return fnmatch(options_.filter.c_str(), name.c_str(), 0) == 0;
}

void Recorder::check(std::string name, const std::function<void(Verdict&, Rng&)>& body) {
  const std::string base = name;
  for (int i = 2; !names_.insert(name).second; ++i) name = fmt::format("{}-{}", base, i);
  if (!wants(name)) return;
  Check check;
  check.name = name;
  Verdict verdict(check);
  Rng rng(options_.seed, fnv1a(name));
  try {
    body(verdict, rng);
  } catch (const std::exception& error) {
    verdict.fail(fmt::format("threw: {}", error.what()));
  }
  report_.checks.push_back(std::move(check));
  if (options_.progress) options_.progress(static_cast<std::int64_t>(report_.checks.size()));
}

}  // namespace satsuma::conformance
