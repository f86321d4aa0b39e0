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

TEST_CASE("a time line has every piece once, in order, and parts of layers inside of it") {
  Tensor x = Tensor::full({1}, 2.0);
  x.set_requires_grad();
  Profile profile(Profile::Keep::timeline);
  {
    const LayerClock clock("layer1", "FF");
    CHECK(clock.runs());
    slow(x);
  }
  backward(slow(x));
  REQUIRE(profile.laps().size() >= 4);
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < profile.laps().size(); ++i) {
    const Profile::Lap& lap = profile.laps()[i];
    CHECK(lap.begin <= lap.end);
    if (i > 0) CHECK(lap.begin == profile.laps()[i - 1].end);
    sum += std::chrono::duration_cast<std::chrono::nanoseconds>(lap.end - lap.begin).count();
  }
  std::int64_t booked = 0;
  for (const auto& [key, nanoseconds] : profile.nanoseconds()) booked += nanoseconds;
  CHECK(sum == booked);
  CHECK(profile.seconds(Phase::forward) >= 0.002);
  REQUIRE(profile.layer_parts().size() == 1);
  const Profile::LayerPart& part = profile.layer_parts().front();
  CHECK(part.layer == "layer1");
  CHECK(part.part == "FF");
  CHECK(part.begin <= profile.laps().front().end);
  CHECK(part.end >= profile.laps().front().end);
}

TEST_CASE("layers are not timed for a profile of sums, nor without one") {
  CHECK_FALSE(LayerClock("layer1", "FF").runs());
  const Profile profile;
  CHECK_FALSE(LayerClock("layer1", "FF").runs());
  CHECK(profile.laps().empty());
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
