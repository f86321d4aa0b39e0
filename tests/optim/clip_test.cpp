#include "satsuma/optim/clip.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "satsuma/core/error.hpp"

namespace satsuma::optim {

namespace {

std::vector<nn::Parameter> two_parameters() {
  Tensor a = Tensor::from(std::vector<float>{3, 4, 0, 0}, {2, 2}),
         b = Tensor::from(std::vector<float>{1, 0}, {2});
  a.set_requires_grad();
  b.set_requires_grad();
  a.set_grad(Tensor::from(std::vector<float>{3, 0, 0, 4}, {2, 2}));
  b.set_grad(Tensor::from(std::vector<float>{0, -12}, {2}));
  return {{"a", a, nullptr}, {"b", b, nullptr}};
}

}  // namespace

TEST_CASE("what --clip takes") {
  CHECK(Clip::parse("").kind == Clip::Kind::none);
  CHECK(Clip::parse("norm:1").kind == Clip::Kind::norm);
  CHECK(Clip::parse("value:0.5").limit == 0.5);
  CHECK(Clip::parse("agc:1e-2").kind == Clip::Kind::adaptive);
  for (const char* const text :
       {"norm", "norm:", "norm:0", "norm:-1", "norm:x", "norm:1x", "norm:nan", "l2:1", "1"}) {
    CAPTURE(std::string(text));
    CHECK_THROWS_WITH_AS(Clip::parse(text), doctest::Contains("expected norm:LIMIT"), UsageError);
  }
}

TEST_CASE("the norm is that of all gradients, and is kept below its limit") {
  const auto parameters = two_parameters();
  CHECK(clip_gradients(parameters, {Clip::Kind::norm, 6.5}) == doctest::Approx(13));
  CHECK(parameters[0].value.grad().to_vector<float>()[3] == doctest::Approx(2));
  CHECK(parameters[1].value.grad().to_vector<float>()[1] == doctest::Approx(-6));
  // Below the limit nothing changes.
  const Tensor before = parameters[0].value.grad();
  CHECK(clip_gradients(parameters, {Clip::Kind::norm, 7}) == doctest::Approx(6.5));
  CHECK(parameters[0].value.grad().same_as(before));
}

TEST_CASE("values and units are clipped by themselves; what shares elements with a gradient stays") {
  const auto parameters = two_parameters();
  const Tensor shared = parameters[0].value.grad();
  clip_gradients(parameters, {Clip::Kind::value, 3.5});
  CHECK(parameters[0].value.grad().to_vector<float>() == std::vector<float>{3, 0, 0, 3.5});
  CHECK(parameters[1].value.grad().to_vector<float>() == std::vector<float>{0, -3.5});
  CHECK(shared.to_vector<float>()[3] == 4);

  const auto units = two_parameters();
  clip_gradients(units, {Clip::Kind::adaptive, 0.5});
  // The first row weighs 5: its gradient of 3 becomes 2.5 long. The second weighs nothing: 1e-3 stands for
  // it.
  CHECK(units[0].value.grad().to_vector<double>()[0] == doctest::Approx(2.5));
  CHECK(units[0].value.grad().to_vector<double>()[3] == doctest::Approx(0.5e-3));
  CHECK(units[1].value.grad().to_vector<double>()[1] == doctest::Approx(-0.5));
}

}  // namespace satsuma::optim
