// A device that wraps another hands on every question and every call: what it forgets, the layers of a model
// believe of the wrapped device, too.

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "satsuma/device/check_device.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/device/sgd_rule.hpp"
#include "support/random_tensor.hpp"

namespace satsuma {

namespace {

using testing::random_tensor;

/// All that Counters holds.
using Numbers = std::array<std::int64_t, sizeof(Counters) / sizeof(std::int64_t)>;

/// What a device made of a packed weight.
struct Mark : DeviceForm {
  explicit Mark(const void* maker) : maker(maker) {}
  const void* maker;
};

/// Answers every question in its own way, notes what was called, and counts something new in every counter.
class RecordingDevice : public Device {
 public:
  mutable std::set<std::string> called;
  int own_forms = 0;  ///< packed weights that came back with what this device has made of them

  std::string_view name() const override { return note("name"), "recording"; }
  std::string description() const override { return note("description"), "a recorder"; }
  MemoryFormat activation_format() const override {
    return note("activation_format"), MemoryFormat::row_major;
  }
  MemoryFormat activation_format_of(std::int64_t images) const override {
    note("activation_format_of");
    return images == 3 ? MemoryFormat::channels_last : MemoryFormat::row_major;
  }
  DType default_operands() const override { return note("default_operands"), DType::bf16; }
  Support supports(const LayerPlan&, Pass pass) const override {
    note("supports");
    return pass == Pass::wu ? Support::no("it is a recorder") : Support();
  }
  void forward(const LayerPlan& g, const Tensor& x, const WeightOperand& w, const Tensor& bias,
               Tensor& y) override {
    note("forward"), count(), look(w);
    reference_->forward(g, x, w, bias, y);
  }
  void backward_data(const LayerPlan& g, const Tensor& dy, const WeightOperand& w, Tensor& dx) override {
    note("backward_data"), count(), look(w);
    reference_->backward_data(g, dy, w, dx);
  }
  void backward_weights(const LayerPlan& g, const SampleKey& key, const Tensor& x, const Tensor& dy,
                        Tensor& dw, Tensor& dbias) override {
    note("backward_weights"), count();
    reference_->backward_weights(g, key, x, dy, dw, dbias);
  }
  PackedWeight compress(const Tensor& weight, GroupAxis axis, Pattern pattern) override {
    note("compress"), count();
    PackedWeight packed = reference_->compress(weight, axis, pattern);
    packed.device_form = std::make_shared<Mark>(this);
    return packed;
  }
  void update(const UpdateArgs& args) override {
    note("update"), count();
    reference_->update(args);
    for (PackedWeight* const packed : {args.packed_ff, args.packed_bp}) {
      if (packed) packed->device_form = std::make_shared<Mark>(this);
    }
  }
  std::shared_ptr<std::byte> allocate(std::size_t bytes) override {
    note("allocate");
    return Device::allocate(bytes);
  }
  void synchronize() override { note("synchronize"); }

 private:
  void look(const WeightOperand& w) {
    const auto* const mark = w.packed ? dynamic_cast<const Mark*>(w.packed->device_form.get()) : nullptr;
    own_forms += mark && mark->maker == this;
  }
  void note(const char* function) const { called.insert(function); }

  /// The first counter grows by 1, the next by 2, and so on.
  void count() {
    auto all = std::bit_cast<Numbers>(counters_);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] += static_cast<std::int64_t>(i) + 1;
    counters_ = std::bit_cast<Counters>(all);
  }

  std::shared_ptr<Device> reference_ = find_device("reference");
};

/// What Device has virtual functions for, and a call of each.
const Geometry kLayer = {.in_channels = 8, .out_channels = 8};
const SgdRule kRule;
const std::vector<std::pair<std::string, std::function<void(Device&)>>>& calls() {
  static const Tensor x = random_tensor({3, 8, 2, 2}, 1, DType::f32).to(MemoryFormat::channels_last);
  static const Tensor w = random_tensor(kLayer.weight_shape(), 2, DType::f32).to(MemoryFormat::channels_last);
  const auto output = [] { return Tensor::empty({3, 8, 2, 2}, DType::f32, MemoryFormat::channels_last); };
  const auto gradient = [] { return Tensor::empty(w.shape(), DType::f32, MemoryFormat::channels_last); };
  static const std::vector<std::pair<std::string, std::function<void(Device&)>>> all = {
      {"name", [](Device& d) { CHECK(d.name().find("recording") != std::string_view::npos); }},
      {"description", [](Device& d) { CHECK(d.description().find("a recorder") != std::string::npos); }},
      {"activation_format", [](Device& d) { CHECK(d.activation_format() == MemoryFormat::row_major); }},
      {"activation_format_of",
       [](Device& d) { CHECK(d.activation_format_of(3) == MemoryFormat::channels_last); }},
      {"default_operands", [](Device& d) { CHECK(d.default_operands() == DType::bf16); }},
      {"supports",
       [](Device& d) {
         CHECK(d.supports(kLayer, Pass::ff).yes);
         CHECK_FALSE(d.supports(kLayer, Pass::wu).yes);
       }},
      {"forward",
       [=](Device& d) {
         Tensor y = output();
         d.forward(kLayer, x, {.dense = &w}, {}, y);
       }},
      {"backward_data",
       [=](Device& d) {
         Tensor dx = output();
         d.backward_data(kLayer, x, {.dense = &w}, dx);
       }},
      {"backward_weights",
       [=](Device& d) {
         Tensor dw = gradient(), none;
         d.backward_weights(kLayer, {}, x, x, dw, none);
       }},
      {"compress",
       [](Device& d) {
         d.compress(w, GroupAxis::input_channels, {2, 4});
       }},
      {"update",
       [](Device& d) { d.update({.weight = w.clone(), .grad = w.clone(), .rule = &kRule, .lr = 0.1}); }},
      {"allocate", [](Device& d) { CHECK(d.allocate(64) != nullptr); }},
      {"synchronize", [](Device& d) { d.synchronize(); }},
  };
  return all;
}

/// The virtual functions of Device, without its destructors. By the Itanium C++ ABI (2.3) a pointer to a
/// virtual member function is 1 plus its place in the virtual table, in bytes, and destructors take two
/// places.
std::size_t virtual_functions() {
  struct OneMore : Device {
    virtual void last() {}
  };
  const auto pointer = &OneMore::last;
  std::uintptr_t place = 0;
  std::memcpy(&place, &pointer, sizeof(place));
  return (place - 1) / sizeof(void*) - 2;
}

/// Holds a device against those that it wraps: every call comes through, to the first alone where it is one
/// `of_the_first`, and what the first counts is counted.
void expect_all_forwarded(Device& wrapper, const std::vector<std::shared_ptr<RecordingDevice>>& inner,
                          const std::set<std::string>& of_the_first) {
  for (const auto& entry : calls()) {
    const std::string& function = entry.first;
    CAPTURE(function);
    for (const auto& device : inner) device->called.clear();
    const Counters before = wrapper.counters(), before_inner = inner.front()->counters();
    entry.second(wrapper);
    for (const auto& device : inner) {
      // The name is put together once, when the wrapper is made; the call has checked it.
      if (function == "name" || (device != inner.front() && of_the_first.contains(function))) continue;
      CHECK(device->called.contains(function));
    }
    Counters counted, expected;
    counted.add(before, wrapper.counters());
    expected.add(before_inner, inner.front()->counters());
    CHECK(std::bit_cast<Numbers>(counted) == std::bit_cast<Numbers>(expected));
  }
}

}  // namespace

TEST_CASE("this test knows every virtual function of Device") {
  CHECK(calls().size() == virtual_functions());
}

TEST_CASE("a checking device forwards every function of both devices, and counts as the trusted one") {
  const auto trusted = std::make_shared<RecordingDevice>(), suspect = std::make_shared<RecordingDevice>();
  const auto pair = make_check_device(trusted, suspect);
  // What a result is like and where it lies is the trusted device's choice.
  expect_all_forwarded(*pair, {trusted, suspect},
                       {"activation_format", "activation_format_of", "default_operands", "allocate"});
}

TEST_CASE("each of two checked devices gets back what it has made of packed weights") {
  const auto trusted = std::make_shared<RecordingDevice>(), suspect = std::make_shared<RecordingDevice>();
  const auto pair = make_check_device(trusted, suspect);
  const Tensor x = random_tensor({3, 8, 2, 2}, 1, DType::f32).to(MemoryFormat::channels_last);
  const Tensor w = random_tensor(kLayer.weight_shape(), 2, DType::f32).to(MemoryFormat::channels_last);
  Tensor y = Tensor::empty({3, 8, 2, 2}, DType::f32, MemoryFormat::channels_last);
  PackedWeight ff = pair->compress(w, GroupAxis::input_channels, {2, 4});
  PackedWeight bp = pair->compress(w, GroupAxis::output_channels, {2, 4});
  for (int step = 1; step <= 2; ++step) {
    pair->forward(kLayer, x, {.packed = &ff}, {}, y);
    pair->backward_data(kLayer, x, {.packed = &bp}, y);
    CHECK(trusted->own_forms == 2 * step);
    CHECK(suspect->own_forms == 2 * step);
    UpdateArgs args{.weight = w.clone(), .grad = w.clone(), .rule = &kRule, .lr = 0.1, .pattern = {2, 4}};
    args.packed_ff = &ff;
    args.packed_bp = &bp;
    pair->update(args);
  }
}

TEST_CASE("adding readings of counters leaves none out") {
  Numbers ones;
  ones.fill(1);
  Counters sum;
  sum.add({}, std::bit_cast<Counters>(ones));
  CHECK(std::bit_cast<Numbers>(sum) == ones);
}

}  // namespace satsuma
