#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "satsuma/core/allocator.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/rng.hpp"
#include "src/onednn/versions.hpp"
#include "tools/satsuma/peer.hpp"

namespace satsuma::tools {

namespace {

using dnnl::memory;

/// A primitive with operands of its own: small random numbers, in whatever order the format has them.
class OneDnnPass final : public Peer {
 public:
  /// With a window a convolution, without one an inner product.
  template <typename... Window>
  OneDnnPass(Pass pass, std::string_view format, const onednn::Operands& operands, const Window&... window)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    if (pass == Pass::ff) {
      const auto made = onednn::forward(engine_, operands, window...);
      operands_ = {{DNNL_ARG_SRC, fill(made.src_desc())},
                   {DNNL_ARG_WEIGHTS, fill(made.weights_desc())},
                   {DNNL_ARG_DST, fill(made.dst_desc())}};
      take(made, format);
    } else if (pass == Pass::bp) {
      const auto made =
          onednn::backward_data(engine_, operands, window..., onednn::forward(engine_, operands, window...));
      operands_ = {{DNNL_ARG_DIFF_SRC, fill(made.diff_src_desc())},
                   {DNNL_ARG_WEIGHTS, fill(made.weights_desc())},
                   {DNNL_ARG_DIFF_DST, fill(made.diff_dst_desc())}};
      take(made, format);
    } else {
      const auto made = onednn::backward_weights(engine_, operands, window...,
                                                 onednn::forward(engine_, operands, window...));
      operands_ = {{DNNL_ARG_SRC, fill(made.src_desc())},
                   {DNNL_ARG_DIFF_WEIGHTS, fill(made.diff_weights_desc())},
                   {DNNL_ARG_DIFF_DST, fill(made.diff_dst_desc())}};
      take(made, format);
    }
  }

  void run() override {
    primitive_.execute(stream_, operands_);
    stream_.wait();
  }

  std::string description() const override { return description_; }

 private:
  void take(const auto& made, std::string_view format) {
    primitive_ = dnnl::primitive(made.get());
    description_ = fmt::format("{}, {}", made.impl_info_str(), format);
  }

  memory fill(const memory::desc& desc) {
    const std::size_t bytes = desc.get_size();
    storage_.push_back(allocate_host(bytes));
    auto* const values = reinterpret_cast<float*>(storage_.back().get());
    Rng rng(0, storage_.size());
    std::generate(values, values + bytes / sizeof(float), [&] { return rng.uniform() - 0.5F; });
    return {desc, engine_, values};
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::primitive primitive_;
  std::vector<std::shared_ptr<std::byte>> storage_;
  std::unordered_map<int, memory> operands_;
  std::string description_;
};

constexpr auto kF32 = memory::data_type::f32;
constexpr auto kAny = memory::format_tag::any;

std::unique_ptr<Peer> convolution(const Geometry& geometry, const Shape& image, std::int64_t batch, Pass pass,
                                  memory::format_tag tag) {
  const Shape output = geometry.output_shape("bench", {batch, image[0], image[1], image[2]});
  const onednn::Operands operands = {
      {{batch, image[0], image[1], image[2]}, kF32, tag},
      {{geometry.out_channels, geometry.in_channels, geometry.kernel[0], geometry.kernel[1]}, kF32, kAny},
      {{batch, output[1], output[2], output[3]}, kF32, tag}};
  const onednn::Window window = {{geometry.stride[0], geometry.stride[1]},
                                 {geometry.dilation[0] - 1, geometry.dilation[1] - 1},
                                 {geometry.padding[0], geometry.padding[1]}};
  return std::make_unique<OneDnnPass>(pass, tag == kAny ? "its own format" : "channels-last", operands,
                                      window);
}

std::unique_ptr<Peer> inner_product(const Geometry& geometry, std::int64_t batch, Pass pass) {
  const onednn::Operands operands = {{{batch, geometry.in_channels}, kF32, kAny},
                                     {{geometry.out_channels, geometry.in_channels}, kF32, kAny},
                                     {{batch, geometry.out_channels}, kF32, kAny}};
  return std::make_unique<OneDnnPass>(pass, "inner product", operands);
}

}  // namespace

std::string peer_library() {
  const dnnl_version_t* const version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
}

std::vector<std::unique_ptr<Peer>> dense_peers(const Geometry& geometry, const Shape& image,
                                               std::int64_t batch, Pass pass) {
  std::vector<std::unique_ptr<Peer>> peers;
  try {
    peers.push_back(convolution(geometry, image, batch, pass, kAny));
    peers.push_back(convolution(geometry, image, batch, pass, memory::format_tag::nhwc));
    const bool linear = geometry.kernel == Pair{1, 1} && image[1] == 1 && image[2] == 1;
    if (linear) peers.push_back(inner_product(geometry, batch, pass));
  } catch (const dnnl::error& error) {
    throw Error(
        fmt::format("oneDNN refused {} of {}: {}", to_string(pass), to_string(geometry), error.what()));
  }
  return peers;
}

}  // namespace satsuma::tools
