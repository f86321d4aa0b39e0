#include "satsuma/export/weights.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "export/models.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/export/ff_weight.hpp"
#include "satsuma/train/safetensors.hpp"
#include "train/support.hpp"

namespace satsuma::exports {

namespace {

using namespace satsuma::testing;

std::shared_ptr<nn::Module> pruned_model(const char* pattern) {
  return testing::make_model({.model = "resnet9", .width = 0.5, .method = "bdwp", .pattern = pattern});
}

const ModelNotes kNotes = {.name = "resnet9", .input = {3, 32, 32}};

}  // namespace

TEST_CASE("export: dense masters and pruned weights are what they are called") {
  const TemporaryDirectory directory;
  const auto model = pruned_model("2:8");
  write_weights(directory / "dense", *model, kNotes, false);
  write_weights(directory / "pruned", *model, kNotes, true);
  const auto dense = train::read_safetensors(directory / "dense");
  const auto pruned = train::read_safetensors(directory / "pruned");
  CHECK(dense.metadata.at("weights") == "dense masters");
  CHECK(pruned.metadata.at("weights") == "pruned");
  CHECK(dense.tensors.size() == model->state().size());
  const auto weights = pruned_weights(*model);
  CHECK(weights.count("layer2.conv.weight") == 1);
  for (const nn::NamedTensor& tensor : model->state()) {
    CAPTURE(tensor.name);
    const auto master = tensor.value.to_vector<double>();
    CHECK(dense.tensors.at(tensor.name).to_vector<double>() == master);
    const auto used = pruned.tensors.at(tensor.name).to_vector<double>();
    if (weights.count(tensor.name) == 0) {
      CHECK(used == master);
      continue;
    }
    // Each element is the master's or pruned, and of 8 along the input channels 2 are left.
    std::size_t kept = 0;
    for (std::size_t i = 0; i < used.size(); ++i) {
      CHECK((used[i] == 0 || used[i] == master[i]));
      kept += used[i] != 0 ? 1 : 0;
    }
    CHECK(4 * kept == used.size());
  }
}

TEST_CASE("export: packed values and bits of positions give the pruned weights again") {
  const TemporaryDirectory directory;
  for (const char* const pattern : {"2:8", "2:4", "3:7", "2:8x4"}) {
    CAPTURE(pattern);
    const auto model = pruned_model(pattern);
    write_packed(directory / "packed", *model, kNotes);
    const auto file = train::read_safetensors(directory / "packed");
    const Pattern nm = Pattern::parse(pattern);
    const int bits = nm.m > 4 ? 3 : 2;
    for (const auto& weight : pruned_weights(*model)) {
      const auto& name = weight.first;
      const auto& whole = weight.second;
      CAPTURE(name);
      const Tensor values = file.tensors.at(name + ".values");
      const auto bytes = file.tensors.at(name + ".indices").to_vector<std::uint8_t>();
      const auto numbers = values.to_vector<double>();
      const Shape shape = whole.rank() == 2 ? Shape{whole.dim(0), whole.dim(1), 1, 1} : whole.shape();
      const Tensor seen = whole.reshape_view(shape);
      const std::int64_t per_place = values.dim(3);
      std::vector<double> unpacked(static_cast<std::size_t>(shape.numel()));
      for (std::int64_t i = 0; i < values.numel(); ++i) {
        const std::int64_t row = i / per_place / (shape[2] * shape[3]);
        const std::int64_t place = i / per_place % (shape[2] * shape[3]);
        const std::int64_t j = i % per_place;
        const std::int64_t entry = (row / nm.shared * shape[2] * shape[3] + place) * per_place + j;
        int position = 0;
        for (int bit = 0; bit < bits; ++bit) {
          const auto at = static_cast<std::size_t>(entry * bits + bit);
          position |= (bytes[at / 8] >> (at % 8) & 1) << bit;
        }
        const std::int64_t channel = j / nm.n * nm.m + position;
        unpacked[static_cast<std::size_t>((row * shape[1] + channel) * shape[2] * shape[3] + place)] =
            numbers[static_cast<std::size_t>(i)];
      }
      CHECK(unpacked == seen.to_vector<double>());
      CHECK(bytes.size() ==
            static_cast<std::size_t>(
                (values.numel() / values.dim(0) * ((values.dim(0) + nm.shared - 1) / nm.shared) * bits + 7) /
                8));
    }
  }
}

TEST_CASE("export: PyTorch's form of 2:4 has half of the weights and 16-bit words of positions") {
  const TemporaryDirectory directory;
  const auto model = pruned_model("2:4");
  const std::vector<WholeLayer> whole = write_semi_structured(directory / "two-four", *model, kNotes);
  const auto has = [&](const char* name) {
    return std::any_of(whole.begin(), whole.end(),
                       [&](const WholeLayer& layer) { return layer.name == name; });
  };
  CHECK(has("prep.conv"));    // dense
  CHECK(has("fc"));           // 10 rows
  CHECK(has("layer1.conv"));  // rows of 9 x 32 = 288 elements, no multiple of 64
  CHECK(!has("layer2.conv"));
  const auto file = train::read_safetensors(directory / "two-four");
  CHECK(file.unread.at("layer2.conv.weight.meta") == "I16");
  CHECK(file.tensors.at("layer2.conv.weight.packed").dtype() == DType::f16);
  CHECK(file.tensors.at("layer2.conv.weight.packed").shape() == Shape{128, 9 * 64 / 2});
  CHECK(file.tensors.count("fc.weight") == 1);
}

TEST_CASE("export: what has nothing to pack says so") {
  const TemporaryDirectory directory;
  const auto dense = testing::make_model({.model = "resnet9"});
  CHECK(contains(message_of<UsageError>([&] { write_packed(directory / "x", *dense, kNotes); }), "no layer"));
  const std::string message = message_of<UsageError>(
      [&] { (void)write_semi_structured(directory / "x", *pruned_model("2:8"), kNotes); });
  CHECK(contains(message, "2:4"));
  CHECK(contains(message, "2:8 is not 2:4"));
  CHECK(!std::filesystem::exists(directory / "x"));
}

}  // namespace satsuma::exports
