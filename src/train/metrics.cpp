#include "satsuma/train/metrics.hpp"

#include <limits>

namespace satsuma::train {

namespace {

double ratio(double numerator, double denominator) {
  return denominator > 0 ? numerator / denominator : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

Tally& Tally::operator+=(const Tally& other) {
  loss_sum += other.loss_sum;
  correct += other.correct;
  images += other.images;
  work += other.work;
  seconds += other.seconds;
  return *this;
}

double Tally::loss() const {
  return ratio(loss_sum, static_cast<double>(images));
}
double Tally::accuracy() const {
  return ratio(static_cast<double>(correct), static_cast<double>(images));
}
double Tally::images_per_second() const {
  return ratio(static_cast<double>(images), seconds);
}

double saving(const Work& work) {
  return work.dense_macs > 0 ? 1 - static_cast<double>(work.macs()) / static_cast<double>(work.dense_macs)
                             : 0;
}

}  // namespace satsuma::train
