#pragma once

#include <memory>
#include <string>
#include <vector>

#include "satsuma/data/dataset.hpp"

namespace satsuma::data {

/// Some images of a data set, in an order of its own.
class Subset final : public Dataset {
 public:
  /// Image i is image `indices[i]` of `whole`, in [0, whole->size()).
  Subset(std::shared_ptr<const Dataset> whole, std::vector<std::int64_t> indices);

  std::int64_t size() const override { return static_cast<std::int64_t>(indices_.size()); }
  Shape image_shape() const override { return whole_->image_shape(); }
  std::int64_t classes() const override { return whole_->classes(); }
  std::vector<std::string> class_names() const override { return whole_->class_names(); }
  std::int64_t label(std::int64_t index) const override { return whole_->label(at(index)); }
  std::string name(std::int64_t index) const override { return whole_->name(at(index)); }
  std::string key(std::int64_t index) const override { return whole_->key(at(index)); }
  void read(std::int64_t index, Image& image, std::int64_t least_side = 0) const override {
    whole_->read(at(index), image, least_side);
  }

 private:
  std::int64_t at(std::int64_t index) const { return indices_[static_cast<std::size_t>(index)]; }

  std::shared_ptr<const Dataset> whole_;
  std::vector<std::int64_t> indices_;
};

/// The first images of a data set, at most `count`.
std::shared_ptr<const Dataset> first_images(std::shared_ptr<const Dataset> whole, std::int64_t count);

}  // namespace satsuma::data
