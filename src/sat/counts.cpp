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
  fill = plus(fill, other.fill);
  accumulator = plus(accumulator, other.accumulator);
  memory = plus(memory, other.memory);
  sorter = plus(sorter, other.sorter);
  update = plus(update, other.update);
  control = plus(control, other.control);
  return *this;
}

Bytes& Bytes::operator+=(const Bytes& other) {
  weights = plus(weights, other.weights);
  indices = plus(indices, other.indices);
  activations = plus(activations, other.activations);
  gradients = plus(gradients, other.gradients);
  partial_sums = plus(partial_sums, other.partial_sums);
  optimizer = plus(optimizer, other.optimizer);
  return *this;
}

Energy& Energy::operator+=(const Energy& other) {
  mac += other.mac;
  buffer += other.buffer;
  dram += other.dram;
  sore += other.sore;
  wuve += other.wuve;
  idle += other.idle;
  return *this;
}

Busy& Busy::operator+=(const Busy& other) {
  stce = plus(stce, other.stce);
  sore = plus(sore, other.sore);
  wuve = plus(wuve, other.wuve);
  dram = plus(dram, other.dram);
  return *this;
}

Counts& Counts::operator+=(const Counts& other) {
  cycles = plus(cycles, other.cycles);
  compute_cycles = plus(compute_cycles, other.compute_cycles);
  stalls += other.stalls;
  busy += other.busy;
  read += other.read;
  written += other.written;
  energy += other.energy;
  macs = plus(macs, other.macs);
  dense_macs = plus(dense_macs, other.dense_macs);
  return *this;
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
