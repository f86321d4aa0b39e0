#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "sat/paths.hpp"
#include "satsuma/sat/array.hpp"
#include "satsuma/sat/workload.hpp"

namespace satsuma::sat::test {

// The golden numbers come from SCALE-Sim's own compute engines: tools/crosscheck/scalesim.
TEST_CASE("dense, ideal memory, latency one: SCALE-Sim's cycles for ResNet-18, a ViT and single products") {
  const std::string folder = SATSUMA_GOLDEN;
  std::ifstream golden(folder + "/scalesim_cycles.csv");
  REQUIRE(golden);
  std::map<std::string, Workload> topologies;
  std::string line;
  std::getline(golden, line);
  int compared = 0;
  while (std::getline(golden, line)) {
    std::istringstream cells(line);
    std::string topology, name, rows, columns, dataflow, cycles;
    for (std::string* cell : {&topology, &name, &rows, &columns, &dataflow, &cycles})
      std::getline(cells, *cell, ',');
    if (!topologies.contains(topology)) topologies[topology] = read_topology(folder + "/" + topology);
    for (const Layer& layer : topologies[topology].layers) {
      if (layer.plan.name != name) continue;
      const Pair out = layer.output();
      const Geometry& g = layer.plan.geometry;
      const std::int64_t reduction = g.in_channels * g.kernel[0] * g.kernel[1];
      const ArrayProduct product{out[0] * out[1], g.out_channels, reduction, reduction, 1};
      const Array array{std::stoll(rows), std::stoll(columns), 1, 1};
      const Dataflow flow = dataflow == "WS" ? Dataflow::weight_stationary : Dataflow::output_stationary;
      CAPTURE(line);
      CHECK(array_cycles(array, flow, product).total() == std::stoll(cycles));
      ++compared;
    }
  }
  CHECK(compared == 84);
}

}  // namespace satsuma::sat::test
