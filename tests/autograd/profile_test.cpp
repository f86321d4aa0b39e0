#include "satsuma/core/profile.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "satsuma/autograd/backward.hpp"
#include "satsuma/autograd/node.hpp"
#include "satsuma/core/error.hpp"

namespace satsuma {

namespace {

/// An operation that takes a millisecond each way.
Tensor slow(const Tensor& x) {
  const auto wait = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
  return record({"slow", {x}}, x.clone(), [&]() -> Backward {
    wait();
    return [wait](const Tensor& g, const std::vector<bool>&) {
      wait();
      return std::vector<Tensor>{g};
    };
  });
}

}  // namespace

TEST_CASE("a profile books operations and derivatives under their names") {
  Tensor x = Tensor::full({1}, 2.0);
  x.set_requires_grad();
  Profile profile;
  backward(slow(slow(x)));
  const auto& times = profile.nanoseconds();
  CHECK(times.at({Phase::forward, "slow"}) >= 2'000'000);
  CHECK(times.at({Phase::backward, "slow"}) >= 2'000'000);

  lap(Phase::update, "rest");
  CHECK(times.contains({Phase::update, "rest"}));
  profile.restart();
  CHECK(times.empty());
}

TEST_CASE("nothing is booked while gradients are off, nor for another thread") {
  const Tensor x = Tensor::full({1}, 2.0);
  Profile profile;
  {
    const NoGrad no_grad;
    slow(x);
  }
  std::thread([&] { slow(x); }).join();
  CHECK(profile.nanoseconds().empty());
}

TEST_CASE("a thread has one profile at a time") {
  {
    const Profile first;
    CHECK_THROWS_AS(Profile(), Error);
  }
  CHECK_NOTHROW(Profile());
  lap(Phase::forward, "unmeasured");
}

}  // namespace satsuma
