// Included once by each instruction set's file, which defines kVectors, kImages and images_of() first.
// Everything here has internal linkage, as in kernel_body.hpp.

namespace satsuma::cpu {

namespace {

template <int V>
void products_of(const PrunedTile& tile) {
  int image = 0;
  for (; image + kImages <= tile.images; image += kImages) images_of<V, kImages>(tile, image);
  for (; image < tile.images; ++image) images_of<V, 1>(tile, image);
}

void products(const PrunedTile& tile) {
  with_count<kVectors>(tile.vectors, [&](auto vectors) { products_of<vectors>(tile); });
}

}  // namespace

}  // namespace satsuma::cpu
