#include "datasets/registry.hpp"

#include <array>

#include "datasets/cifar.hpp"
#include "datasets/debian_pictures.hpp"
#include "datasets/imagenet.hpp"
#include "datasets/mnist.hpp"
#include "datasets/synthetic.hpp"
#include "satsuma/core/nearest.hpp"

namespace satsuma::datasets {

std::span<const Entry> entries() {
  static const std::array table = {cifar10(),       cifar100(),       fashion_mnist(), icons(),
                                   icons_split(),   imagenet(),       mnist(),         synthetic(),
                                   tiny_imagenet(), tuxpaint_stamps()};
  return table;
}

const Entry& find(std::string_view name) {
  return find_named("data set", name, entries(), &Entry::name);
}

}  // namespace satsuma::datasets
