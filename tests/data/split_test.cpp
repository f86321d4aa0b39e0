#include "satsuma/data/split.hpp"

#include <doctest/doctest.h>

#include <set>

#include "satsuma/data/subset.hpp"
#include "support.hpp"

using namespace satsuma;
using namespace satsuma::data_tests;

namespace {

/// Names alone.
class Named final : public data::Dataset {
 public:
  Named(std::string directory, std::vector<std::pair<std::string, std::int64_t>> images)
      : directory_(std::move(directory)), images_(std::move(images)) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(images_.size()); }
  Shape image_shape() const override { return {1, 1, 1}; }
  std::int64_t classes() const override { return 3; }
  std::int64_t label(std::int64_t index) const override {
    return images_[static_cast<std::size_t>(index)].second;
  }
  std::string name(std::int64_t index) const override {
    return directory_ + images_[static_cast<std::size_t>(index)].first;
  }
  void read(std::int64_t, data::Image&, std::int64_t) const override {}

 private:
  std::string directory_;
  std::vector<std::pair<std::string, std::int64_t>> images_;
};

/// As a packed file has them: messages say which file an image is in.
class Packed final : public data::Dataset {
 public:
  Packed(std::string file, std::shared_ptr<const Named> within)
      : file_(std::move(file)), within_(std::move(within)) {}
  std::int64_t size() const override { return within_->size(); }
  Shape image_shape() const override { return within_->image_shape(); }
  std::int64_t classes() const override { return within_->classes(); }
  std::int64_t label(std::int64_t index) const override { return within_->label(index); }
  std::string name(std::int64_t index) const override { return file_ + ':' + key(index); }
  std::string key(std::int64_t index) const override { return within_->name(index); }
  void read(std::int64_t, data::Image&, std::int64_t) const override {}

 private:
  std::string file_;
  std::shared_ptr<const Named> within_;
};

std::vector<std::pair<std::string, std::int64_t>> images(const std::vector<int>& counts) {
  std::vector<std::pair<std::string, std::int64_t>> all;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    for (int i = 0; i < counts[c]; ++i)
      all.emplace_back("class" + std::to_string(c) + "/" + std::to_string(i) + ".jpg",
                       static_cast<std::int64_t>(c));
  }
  return all;
}

std::set<std::string> names_of(const data::Dataset& dataset, std::size_t skip) {
  std::set<std::string> names;
  for (std::int64_t i = 0; i < dataset.size(); ++i) names.insert(dataset.name(i).substr(skip));
  return names;
}

}  // namespace

TEST_CASE("validation is a share of each class, the same for the same seed and names") {
  const auto whole = std::make_shared<Named>("a/b/", images({100, 40, 2}));
  const auto [train, validation] = data::split_for_validation(whole, 0.1, 3);
  CHECK(train->size() + validation->size() == 142);
  std::vector<int> counts(3);
  for (std::int64_t i = 0; i < validation->size(); ++i)
    ++counts[static_cast<std::size_t>(validation->label(i))];
  CHECK(counts == std::vector<int>{10, 4, 1});
  const auto names = names_of(*validation, 4);
  for (const std::string& name : names_of(*train, 4)) CHECK(names.count(name) == 0);

  // Where the folder is does not matter.
  const auto moved = std::make_shared<Named>("/elsewhere/", images({100, 40, 2}));
  CHECK(names_of(*data::split_for_validation(moved, 0.1, 3).validation, 11) == names);
  CHECK(names_of(*data::split_for_validation(whole, 0.1, 4).validation, 4) != names);

  // Ten more images of a class move at most as many as there are.
  const auto grown = std::make_shared<Named>("a/b/", images({110, 40, 2}));
  std::size_t common = 0;
  for (const std::string& name : names_of(*data::split_for_validation(grown, 0.1, 3).validation, 4))
    common += names.count(name);
  CHECK(common >= 13);
}

TEST_CASE("validation of small classes, and shares that leave nothing") {
  const auto single = std::make_shared<Named>("", images({1, 1, 3}));
  const auto [train, validation] = data::split_for_validation(single, 0.9, 0);
  CHECK(train->size() == 3);
  CHECK(validation->size() == 2);
  const auto none = std::make_shared<Named>("", images({1, 1, 1}));
  CHECK(contains(message_of<UsageError>([&] { data::split_for_validation(none, 0.1, 0); }), "--val-share 0"));
}

TEST_CASE("a subset is some images in its own order") {
  const auto whole = std::make_shared<Named>("", images({2, 1, 2}));
  const data::Subset subset(whole, {4, 0});
  CHECK(subset.size() == 2);
  CHECK(subset.name(0) == whole->name(4));
  CHECK(subset.label(1) == 0);
  CHECK(data::first_images(whole, 9)->size() == 5);
  CHECK(data::first_images(whole, 3)->name(2) == whole->name(2));
  CHECK(contains(message_of<UsageError>([&] { data::Subset(whole, {5}); }), "image 5 of a data set of 5"));
}

TEST_CASE("a packed file is split as the folder that it was made of, whatever it is called") {
  const auto folder = std::make_shared<Named>("a/b/", images({30, 20}));
  const auto within = std::make_shared<Named>("", images({30, 20}));
  const auto wanted = names_of(*data::split_for_validation(folder, 0.2, 3).validation, 4);
  for (const char* const file : {"one.pack", "moved/two.pack"}) {
    const auto packed = std::make_shared<Packed>(file, within);
    const auto validation = data::split_for_validation(packed, 0.2, 3).validation;
    CHECK(names_of(*validation, std::string(file).size() + 1) == wanted);
  }
}
