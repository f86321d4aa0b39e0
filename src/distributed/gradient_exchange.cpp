#include "src/distributed/gradient_exchange.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <type_traits>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/core/half.hpp"
#include "satsuma/core/parallel.hpp"

namespace satsuma::distributed {

namespace {

constexpr std::int64_t kGrain = 1 << 14;
/// Of f32, in a bucket that others follow.
constexpr std::int64_t kLeastBytes = 256 << 10;

/// Elements as they travel.
void encode(const float* from, float* to, std::int64_t count) {
  std::copy_n(from, count, to);
}
void encode(const float* from, BFloat16* to, std::int64_t count) {
  std::transform(from, from + count, to, [](float value) { return BFloat16(value); });
}

}  // namespace

struct GradientExchange::Bucket {
  enum class State : std::uint8_t { filling, slices, sums, done };

  std::vector<std::size_t> members;  ///< of parameters, or of means
  bool means = false;
  Wire wire = Wire::f32;
  std::int64_t slice = 0;  ///< elements
  std::size_t missing = 0;
  State state = State::filling;
  std::vector<std::byte> own;     ///< all slices of this rank; then the sums of all
  std::vector<std::byte> slices;  ///< one of each rank
  std::vector<std::byte> sum;     ///< of this rank's slice
  std::unique_ptr<Transfer> transfer;

  std::int64_t size_of_element() const { return wire == Wire::f32 ? 4 : 2; }
  std::size_t slice_bytes() const { return static_cast<std::size_t>(slice * size_of_element()); }
  template <typename F>
  void visit(F&& f) {
    wire == Wire::f32 ? f(float{}) : f(BFloat16{});
  }
};

GradientExchange::GradientExchange(Communicator& ranks, std::vector<Tensor> parameters,
                                   std::vector<Tensor> means, std::vector<std::int64_t> images,
                                   Options options)
    : ranks_(ranks),
      parameters_(std::move(parameters)),
      means_(std::move(means)),
      images_(images.begin(), images.end()),
      options_(options) {
  for (const std::vector<Tensor>* const list : {&parameters_, &means_}) {
    for (const Tensor& tensor : *list) {
      if (tensor.dtype() != DType::f32) throw Error("ranks exchange gradients of f32 only");
    }
  }
  if (!means_.empty()) {
    std::vector<std::size_t> members(means_.size());
    for (std::size_t i = 0; i < members.size(); ++i) members[i] = i;
    add_bucket(std::move(members), true);
  }
  std::int64_t left = 0;
  for (const Tensor& parameter : parameters_) left += parameter.numel() * 4;
  std::vector<std::size_t> members;
  std::int64_t bytes = 0;
  for (std::size_t i = parameters_.size(); i-- > 0;) {
    members.push_back(i);
    bytes += parameters_[i].numel() * 4;
    if (bytes < std::min(options_.bucket_bytes, std::max(left / 2, kLeastBytes)) && i > 0) continue;
    add_bucket(std::exchange(members, {}), false);
    left -= std::exchange(bytes, 0);
  }
}

GradientExchange::~GradientExchange() = default;

void GradientExchange::add_bucket(std::vector<std::size_t> members, bool means) {
  auto bucket = std::make_unique<Bucket>();
  bucket->means = means;
  bucket->wire = means ? Wire::f32 : options_.wire;
  std::int64_t elements = 0;
  for (const std::size_t i : members) {
    const Tensor& tensor = means ? means_[i] : parameters_[i];
    elements += tensor.numel();
    if (!means) bucket_of_[tensor.autograd().get()] = buckets_.size();
  }
  bucket->members = std::move(members);
  const std::int64_t ranks = ranks_.size();
  bucket->slice = (elements + ranks - 1) / ranks;
  const std::size_t all = bucket->slice_bytes() * static_cast<std::size_t>(ranks);
  bucket->own.resize(all);
  bucket->slices.resize(all);
  bucket->sum.resize(bucket->slice_bytes());
  buckets_.push_back(std::move(bucket));
}

std::int64_t GradientExchange::bucket_bytes(std::size_t index) const {
  return static_cast<std::int64_t>(buckets_[index]->own.size());
}

void GradientExchange::begin() {
  started_ = 0;
  for (const auto& bucket : buckets_) {
    bucket->state = Bucket::State::filling;
    bucket->missing = bucket->means ? 0 : bucket->members.size();
  }
  start_ready();
}

void GradientExchange::on_gradient(const AutogradMeta& leaf) {
  if (const auto bucket = bucket_of_.find(&leaf); bucket != bucket_of_.end()) {
    --buckets_[bucket->second]->missing;
    start_ready();
  }
  move_on();
}

void GradientExchange::finish() {
  // Parameters that the graph does not reach.
  for (const auto& bucket : buckets_) bucket->missing = 0;
  start_ready();
  for (const auto& bucket : buckets_) {
    while (bucket->state != Bucket::State::done) {
      const auto begin = std::chrono::steady_clock::now();
      Communicator::wait(*bucket->transfer);
      waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      move_on();
    }
  }
  for (const auto& bucket : buckets_) take(*bucket);
}

void GradientExchange::start_ready() {
  while (started_ < buckets_.size() && buckets_[started_]->missing == 0) start(*buckets_[started_++]);
}

void GradientExchange::start(Bucket& bucket) {
  bucket.visit([&](auto element) {
    using E = decltype(element);
    auto* to = reinterpret_cast<E*>(bucket.own.data());
    for (const std::size_t i : bucket.members) {
      const Tensor& place = bucket.means ? means_[i] : parameters_[i];
      const Tensor value = bucket.means ? place : place.grad();
      const std::int64_t count = place.numel();
      if (value.defined()) {
        const Tensor ordered = value.detach().in_layout_of(place);
        const float* const from = ordered.data<float>();
        parallel_for(count, kGrain, [&](std::int64_t begin, std::int64_t end) {
          encode(from + begin, to + begin, end - begin);
        });
      } else {
        std::fill_n(to, count, E{});
      }
      to += count;
    }
    std::fill(to, reinterpret_cast<E*>(bucket.own.data() + bucket.own.size()), E{});
  });
  bucket.state = Bucket::State::slices;
  bucket.transfer =
      ranks_.all_to_all(Channel::slices, bucket.own.data(), bucket.slices.data(), bucket.slice_bytes());
}

void GradientExchange::move_on() {
  // In the order of buckets, so that sums set out in the same order on all ranks.
  bool in_order = true;
  for (std::size_t b = 0; b < started_; ++b) {
    Bucket& bucket = *buckets_[b];
    if (bucket.state == Bucket::State::slices && in_order && bucket.transfer->done()) {
      add_up(bucket);
      bucket.state = Bucket::State::sums;
      bucket.transfer =
          ranks_.all_gather(Channel::sums, bucket.sum.data(), bucket.own.data(), bucket.slice_bytes());
    }
    if (bucket.state == Bucket::State::slices) in_order = false;
    if (bucket.state == Bucket::State::sums && bucket.transfer->done()) bucket.state = Bucket::State::done;
  }
}

void GradientExchange::add_up(Bucket& bucket) {
  double images = 0;
  for (const double of_rank : images_) images += of_rank;
  bucket.visit([&](auto element) {
    using E = decltype(element);
    const auto* const from = reinterpret_cast<const E*>(bucket.slices.data());
    auto* const to = reinterpret_cast<E*>(bucket.sum.data());
    parallel_for(bucket.slice, kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        double sum = 0;
        if (bucket.means) {
          for (std::size_t r = 0; r < images_.size(); ++r)
            sum += images_[r] * static_cast<double>(static_cast<float>(
                                    from[static_cast<std::int64_t>(r) * bucket.slice + i]));
          sum /= images;
        } else {
          for (std::int64_t r = 0; r < static_cast<std::int64_t>(images_.size()); ++r)
            sum += static_cast<double>(static_cast<float>(from[r * bucket.slice + i]));
        }
        to[i] = E(static_cast<float>(sum));
      }
    });
  });
}

void GradientExchange::take(Bucket& bucket) {
  bucket.visit([&](auto element) {
    using E = decltype(element);
    const auto* from = reinterpret_cast<const E*>(bucket.own.data());
    for (const std::size_t i : bucket.members) {
      Tensor place = bucket.means ? means_[i] : parameters_[i];
      const std::int64_t count = place.numel();
      if (bucket.means || place.grad().defined()) {
        // A gradient may share its elements with another tensor.
        Tensor sum = bucket.means ? place : Tensor::empty_like(place);
        float* const to = sum.data<float>();
        parallel_for(count, kGrain, [&](std::int64_t begin, std::int64_t end) {
          std::transform(from + begin, from + end, to + begin,
                         [](E value) { return static_cast<float>(value); });
        });
        if (!bucket.means) place.set_grad(sum);
      }
      from += count;
    }
  });
}

}  // namespace satsuma::distributed
