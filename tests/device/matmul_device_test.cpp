#include <doctest/doctest.h>

#include <memory>

#include "device/tiny_device.hpp"
#include "support/conformance.hpp"

namespace satsuma {

namespace {

/// TinyDevice with a fault in its product: the last element of each row of C is left out.
class ShortDevice : public testing::TinyDevice {
 protected:
  void matmul(const MatrixProduct& product) override {
    TinyDevice::matmul(product);
    for (std::int64_t row = 1; row <= product.rows; ++row) product.c[row * product.columns - 1] = 0;
  }
};

}  // namespace

TEST_CASE("a device that has a product alone conforms to the reference") {
  testing::expect_conformance(std::make_shared<testing::TinyDevice>(), {}, 500);
}

TEST_CASE("its product is what FF and BP are made of") {
  const auto report = conformance::run(std::make_shared<ShortDevice>(), {.filter = "ff/*"});
  CHECK(report.count(conformance::Outcome::failed) > 0);
  CHECK(conformance::run(std::make_shared<ShortDevice>(), {.filter = "bp/*"})
            .count(conformance::Outcome::failed) > 0);
  CHECK(conformance::run(std::make_shared<ShortDevice>(), {.filter = "wu/*"}).passed());
}

TEST_CASE("a device of a product refuses what no product stands for") {
  const testing::TinyDevice device;
  LayerPlan plan(Geometry{.in_channels = 16, .out_channels = 16, .groups = 2});
  CHECK_FALSE(device.supports(plan, Pass::ff));
  plan = LayerPlan(Geometry{.in_channels = 16, .out_channels = 16});
  CHECK(device.supports(plan, Pass::bp));
  plan[Pass::bp].gradient = OperandPlan::pruned({2, 8});
  CHECK_FALSE(device.supports(plan, Pass::bp));
}

}  // namespace satsuma
