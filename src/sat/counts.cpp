#include "satsuma/sat/timing.hpp"
#include "src/sat/checked.hpp"

namespace satsuma::sat {

namespace {

constexpr double kOperationsPerMac = 2;

double ratio(double a, double b) {
  return b > 0 ? a / b : 0;
}

}  // namespace

Stalls& Stalls::operator+=(const Stalls& other) {
  return add_fields(*this, other, &Stalls::fill, &Stalls::accumulator, &Stalls::memory, &Stalls::sorter,
                    &Stalls::update, &Stalls::control);
}

Bytes& Bytes::operator+=(const Bytes& other) {
  return add_fields(*this, other, &Bytes::weights, &Bytes::indices, &Bytes::activations, &Bytes::gradients,
                    &Bytes::partial_sums, &Bytes::optimizer);
}

Energy& Energy::operator+=(const Energy& other) {
  return add_fields(*this, other, &Energy::mac, &Energy::buffer, &Energy::dram, &Energy::sore, &Energy::wuve,
                    &Energy::idle);
}

Busy& Busy::operator+=(const Busy& other) {
  return add_fields(*this, other, &Busy::stce, &Busy::sore, &Busy::wuve, &Busy::dram);
}

Counts& Counts::operator+=(const Counts& other) {
  return add_fields(*this, other, &Counts::cycles, &Counts::compute_cycles, &Counts::stalls, &Counts::busy,
                    &Counts::read, &Counts::written, &Counts::energy, &Counts::macs, &Counts::dense_macs);
}

double Counts::utilization(const Config& config) const {
  const double slots =
      static_cast<double>(config.rows) * static_cast<double>(config.columns) * static_cast<double>(cycles);
  return ratio(static_cast<double>(macs), slots);
}

double Counts::intensity() const {
  return ratio(kOperationsPerMac * static_cast<double>(macs),
               static_cast<double>(read.total() + written.total()));
}

double Counts::gops(const Config& config) const {
  return ratio(kOperationsPerMac * static_cast<double>(macs), config.seconds(cycles) * 1e9);
}

double Counts::dense_equivalent_gops(const Config& config) const {
  return ratio(kOperationsPerMac * static_cast<double>(dense_macs), config.seconds(cycles) * 1e9);
}

double Counts::gops_per_watt() const {
  return ratio(kOperationsPerMac * static_cast<double>(macs) * 1e-9, energy.total());
}

Counts LayerTiming::total() const {
  Counts sum;
  for (const PassTiming& timing : pass) sum += timing;
  return sum;
}

Counts StepTiming::total() const {
  Counts sum;
  for (const LayerTiming& layer : layers) sum += layer.total();
  return sum;
}

Counts StepTiming::total(Pass pass) const {
  Counts sum;
  for (const LayerTiming& layer : layers) sum += layer[pass];
  return sum;
}

double StepTiming::images_per_second(const Config& config) const {
  return ratio(static_cast<double>(batch), config.seconds(total().cycles));
}

}  // namespace satsuma::sat
