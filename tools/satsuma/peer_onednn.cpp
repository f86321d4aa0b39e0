#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "satsuma/core/allocator.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/rng.hpp"
#include "tools/satsuma/onednn_versions.hpp"
#include "tools/satsuma/peer.hpp"

namespace satsuma::tools {

namespace {

using dnnl::memory;

/// A primitive with operands of its own: small random numbers, in whatever order the format has them.
class OneDnnConvolution final : public Peer {
 public:
  OneDnnConvolution(const Geometry& geometry, const Shape& image, std::int64_t batch, Pass pass,
                    memory::format_tag x_tag, memory::format_tag w_tag)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    const Shape output = geometry.output_shape("bench", {batch, image[0], image[1], image[2]});
    const auto f32 = memory::data_type::f32;
    onednn::Convolution conv;
    conv.x = {{batch, image[0], image[1], image[2]}, f32, x_tag};
    conv.w = {
        {geometry.out_channels, geometry.in_channels, geometry.kernel[0], geometry.kernel[1]}, f32, w_tag};
    conv.y = {{batch, output[1], output[2], output[3]}, f32, x_tag};
    conv.stride = {geometry.stride[0], geometry.stride[1]};
    conv.dilation = {geometry.dilation[0] - 1, geometry.dilation[1] - 1};
    conv.padding = {geometry.padding[0], geometry.padding[1]};
    if (pass == Pass::ff) {
      const auto made = onednn::forward(engine_, conv);
      operands_ = {{DNNL_ARG_SRC, fill(made.src_desc())},
                   {DNNL_ARG_WEIGHTS, fill(made.weights_desc())},
                   {DNNL_ARG_DST, fill(made.dst_desc())}};
      take(made.impl_info_str(), onednn::Forward(made));
    } else if (pass == Pass::bp) {
      const auto made = onednn::backward_data(engine_, conv);
      operands_ = {{DNNL_ARG_DIFF_SRC, fill(made.diff_src_desc())},
                   {DNNL_ARG_WEIGHTS, fill(made.weights_desc())},
                   {DNNL_ARG_DIFF_DST, fill(made.diff_dst_desc())}};
      take(made.impl_info_str(), onednn::BackwardData(made));
    } else {
      const auto made = onednn::backward_weights(engine_, conv);
      operands_ = {{DNNL_ARG_SRC, fill(made.src_desc())},
                   {DNNL_ARG_DIFF_WEIGHTS, fill(made.diff_weights_desc())},
                   {DNNL_ARG_DIFF_DST, fill(made.diff_dst_desc())}};
      take(made.impl_info_str(), onednn::BackwardWeights(made));
    }
    description_ += x_tag == memory::format_tag::any ? ", its own format" : ", channels-last";
  }

  void run() override {
    primitive_.execute(stream_, operands_);
    stream_.wait();
  }

  std::string description() const override { return description_; }

 private:
  void take(std::string implementation, dnnl::primitive primitive) {
    description_ = std::move(implementation);
    primitive_ = std::move(primitive);
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

}  // namespace

std::string peer_library() {
  const dnnl_version_t* const version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
}

std::vector<std::unique_ptr<Peer>> dense_peers(const Geometry& geometry, const Shape& image,
                                               std::int64_t batch, Pass pass) {
  using Tag = memory::format_tag;
  std::vector<std::unique_ptr<Peer>> peers;
  try {
    for (const Tag tag : {Tag::any, Tag::nhwc}) {
      peers.push_back(std::make_unique<OneDnnConvolution>(geometry, image, batch, pass, tag, Tag::any));
    }
  } catch (const dnnl::error& error) {
    throw Error(
        fmt::format("oneDNN refused {} of {}: {}", to_string(pass), to_string(geometry), error.what()));
  }
  return peers;
}

}  // namespace satsuma::tools
