#include <doctest/doctest.h>

#include "sat/networks.hpp"
#include "satsuma/core/error.hpp"

namespace satsuma::sat::test {

TEST_CASE("SCALE-Sim's topologies, both formats") {
  const Workload net = parse_topology(
      "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"
      "conv1, 230, 230, 7, 7, 3, 64, 2,\r\n"
      "\n"
      "conv2, 58, 58, 3, 3, 64, 128, 1, 2:4,\n"
      "DP1, 58, 58, 3, 3, 64, 1, 1\n",
      "net.csv");
  REQUIRE(net.layers.size() == 3);
  // SCALE-Sim counts 113: it rounds (230 - 7) / 2 up.
  CHECK(net.layers[0].output() == Pair{113, 113});
  CHECK(net.layers[1].geometry.out_channels == 128);
  CHECK(net.layers[1].pattern(Pass::ff) == Pattern{2, 4});
  CHECK(net.layers[2].geometry.groups == 64);
  CHECK(!net.layers[0].runs(Pass::wu));

  const Workload products = parse_topology("Layer,M,N,K,\ngemm,10,20,30,\n", "gemm.csv");
  REQUIRE(products.layers.size() == 1);
  CHECK(products.layers[0].macs(Pass::ff) == 10 * 20 * 30);
  CHECK(products.layers[0].output() == Pair{10, 1});
  CHECK(gemm_layer("g", 20, 30, 10).macs(Pass::ff) == 10 * 20 * 30);
}

TEST_CASE("bad topologies are refused with file and line") {
  const auto refused = [](const std::string& text, const char* why) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(parse_topology(text, "net.csv"), doctest::Contains(why), FormatError);
  };
  const std::string conv =
      "Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides,\n";
  refused("", "net.csv: got no layers");
  refused("Layer,M,N,K,\n", "got no layers");
  refused("a,b,c\n1,2,3\n", "net.csv:1: got another header");
  refused("Layer,M,N,K,\ng,1,2,\n", "net.csv:2: got 3 columns, expected 4");
  refused("Layer,M,N,K,\ng,1,2,3,2:4,9,\n", "net.csv:2: got 6 columns");
  refused("Layer,M,N,K,\ng,1,0,3,\n", "net.csv:2: column 3 (N) got '0'");
  refused("Layer,M,N,K,\ng,1,two,3,\n", "column 3 (N) got 'two'");
  refused("Layer,M,N,K,\ng,1,2,3,5:4,\n", "column 5 (sparsity)");
  refused("Layer,M,N,K,\ng,2147483648,2147483648,2147483648,\n", "net.csv:2");
  refused("Layer,M,N,K,\ng,99999999999999999999,2,3,\n", "column 2 (M)");
  refused(conv + "c,3,3,5,5,1,1,1,\n", "net.csv:2");
  refused(conv + "c,3,3,3,3,1,1,\n", "net.csv:2: got 7 columns, expected 8");
  CHECK_THROWS_AS(read_topology("/nowhere.csv"), IoError);
}

TEST_CASE("methods prune what they prune in training, and the account is that of the paper") {
  const auto share = [](std::string_view method) {
    const Workload network = pruned(resnet18(64, 1, true), method, "2:8");
    std::int64_t macs = 0;
    std::int64_t dense = 0;
    for (const Layer& layer : network.layers) {
      for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) {
        macs += layer.macs(pass);
        dense += layer.dense_macs(pass);
      }
    }
    return static_cast<double>(macs) / static_cast<double>(dense);
  };
  CHECK(share("dense") == 1);
  CHECK(share("sr-ste") == doctest::Approx(0.75).epsilon(0.02));
  CHECK(share("sdgp") == doctest::Approx(0.75).epsilon(0.02));
  CHECK(share("sdwp") == doctest::Approx(0.75).epsilon(0.02));
  CHECK(share("bdwp") == doctest::Approx(0.52).epsilon(0.05));  // about 48 % fewer

  const Workload network = pruned(resnet18(64, 1, true), "bdwp", "2:8");
  CHECK_FALSE(network.layers[0].plan.sparse());
  for (const Pass pass : {Pass::ff, Pass::bp}) CHECK(network.layers[1].pattern(pass) == Pattern{2, 8});
  // Fewer channels than a group: left dense, as in training.
  Workload narrow;
  narrow.layers = {convolution("narrow", 4, 64, 3, 1, 8, 1)};
  apply(narrow, {.method = &find_method("bdwp"), .pattern = {2, 8}});
  CHECK(narrow.layers[0].pattern(Pass::ff).dense());
  CHECK(narrow.layers[0].pattern(Pass::bp) == Pattern{2, 8});
}

TEST_CASE("workloads that make no sense are refused with the layer's name") {
  const auto refused = [](auto change, const char* why) {
    Layer layer = convolution("odd", 8, 8, 3, 1, 8, 4);
    change(layer);
    CHECK_THROWS_WITH(check(layer), doctest::Contains(why));
    CHECK_THROWS_WITH(check(layer), doctest::Contains("layer 'odd'"));
  };
  refused([](Layer& l) { l.batch = 0; }, "got an extent of 0");
  refused([](Layer& l) { l.input = {1, 1}, l.plan.geometry.padding = {0, 0}; }, "padded height of at least 3");
  refused([](Layer& l) { l.batch = std::int64_t{1} << 31, l.input = {1 << 20, 1 << 20}; }, "multiply-adds");
  refused([](Layer& l) { l.plan.geometry.kernel = {5000, 5000}, l.input = {6000, 6000}; }, "at most 1024");
  refused([](Layer& l) { l.plan.geometry.groups = 3; }, "3 groups");
  refused([](Layer& l) { l.plan[Pass::ff].weight = OperandPlan::packed(GroupAxis::input_channels, {3, 2}); }, "3:2");
  refused(
      [](Layer& l) {
        l.plan[Pass::bp].weight = OperandPlan::packed(GroupAxis::output_channels, {1, 2});
        l.plan[Pass::bp].gradient = OperandPlan::pruned({1, 2});
      },
      "expected one of them dense");
  CHECK_THROWS_AS(check(Workload{}), UsageError);
}

}  // namespace satsuma::sat::test
