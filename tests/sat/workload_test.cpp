#include <doctest/doctest.h>

#include <algorithm>
#include <string>

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
  CHECK(net.layers[1].plan.geometry.out_channels == 128);
  CHECK(net.layers[1].pattern(Pass::ff) == Pattern{2, 4});
  CHECK(net.layers[2].plan.geometry.groups == 64);
  CHECK(!net.layers[0].runs(Pass::wu));

  const Workload products = parse_topology("Layer,M,N,K,\ngemm,10,20,30,\n", "gemm.csv");
  REQUIRE(products.layers.size() == 1);
  CHECK(products.layers[0].macs(Pass::ff) == 10 * 20 * 30);
  CHECK(products.layers[0].output() == Pair{10, 1});
  CHECK(gemm_layer("g", 20, 30, 10).macs(Pass::ff) == 10 * 20 * 30);
}

TEST_CASE("a topology in other spellings is the same topology") {
  const std::string plain =
      "Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides,\n"
      "c,58,30,3,3,64,128,1,\n";
  const std::string one = "IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides";
  const std::string two =
      "IFMAP height,IFMAP width,Filter height,Filter width,Channels,Num filter,Stride height,Stride width";
  const std::string row = "c,58,30,3,3,64,128,1";
  const Layer expected = parse_topology(plain, "net.csv").layers.at(0);
  const auto same = [&](const std::string& text, Pattern pattern = {}) {
    CAPTURE(text);
    const Workload read = parse_topology(text, "net.csv");
    REQUIRE(read.layers.size() == 1);
    CHECK(read.layers[0].plan.name == "c");
    CHECK(read.layers[0].input == expected.input);
    CHECK(read.layers[0].plan.geometry.stride == expected.plan.geometry.stride);
    CHECK(read.layers[0].plan.geometry.out_channels == 128);
    CHECK(read.layers[0].pattern(Pass::ff) == pattern);
  };
  same("Layer," + one + "\n" + row + "\n");
  same("Layer," + one + ",,,\n" + row + ",,,\n");
  same("Layer," + one + ",\n,,,,\n \t , ,\n" + row + " , ,\t,\n,,,,,,,,,,,\n");
  same("\xEF\xBB\xBFLayer," + one + ",\r\n\r\n" + row + ",\r\n");
  same(
      "Layer,\xC2\xA0 IFMAP Height,IFMAP Width,\xC2\xA0"
      "Filter Height,Filter Width,Channels,Filters,Strides\n" +
      row);
  same("Layer," + one + ",\r" + row + ",\r");
  same("LAYER NAME,ifmap_height,ifmap_width,FILTER HEIGHT,filter width,ch,num filters,strides,\n" + row);
  same("Layer,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides,,,Eh,Ew\n" +
       row + ",,,56,28\n");
  same("Layer," + one + ",\nA network,\n" + row + ",#dw\n# the end\n");
  same("Layer," + two + ",\n" + row + ",1,\n");
  same("Layer," + two + ",\n" + row + ",\n");  // the other stride is the same, as in SCALE-Sim
  same("Layer," + one + ",\n" + row + ",1,\n");
  for (const char* const end : {",2:4,", ",2:4,,,", ",1,2:4", ",,2:4"}) {
    same("Layer," + two + ",Sparsity,\n" + row + end + "\n", {2, 4});
    same("Layer," + one + ",\n" + row + end + "\n", {2, 4});
  }
  same("Layer," + one + ",Sparsity\n" + row + ",2:4\n", {2, 4});
  same("Layer," + one + ",Sparsity\n" + row + ",,\n");
  for (const char delimiter : {';', '\t'}) {
    std::string text = plain;
    std::replace(text.begin(), text.end(), ',', delimiter);
    same(text);
  }
  const Workload strided =
      parse_topology("Layer," + two + ",Sparsity,batch size\nc,11,11,3,3,4,8,2,3,1:4,5,\n", "net.csv");
  CHECK(strided.layers[0].output() == Pair{5, 4});
  CHECK(strided.layers[0].pattern(Pass::ff) == Pattern{1, 4});
  CHECK(strided.layers[0].batch == 5);
  const Workload products =
      parse_topology("Layer, m, n, k, Sparsity,,\n,,\ng,10,20,30,2:4,,\ng,10,20,30,,,\n", "g.csv");
  CHECK(products.layers.at(0).pattern(Pass::ff) == Pattern{2, 4});
  CHECK(products.layers.at(1).pattern(Pass::ff) == Pattern{});
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
  refused("Layer,M,N,K,\ng,1,2,\n", "net.csv:2: got 3 columns, expected at least 4");
  refused("Layer,M,N,K,\ng,,,,\n", "net.csv:2: got 1 columns");
  refused("Layer,M,N,K,\ng,1,2,3,2:4,9,\n", "net.csv:2: column 6 got '9'");
  refused("Layer,M,N,K,Sparsity\ng,1,2,3,4\n", "column 5 (sparsity)");
  refused("Layer,M,N,K,\ng,1,0,3,\n", "net.csv:2: column 3 (N) got '0'");
  refused("Layer,M,N,K,\ng,1,two,3,\n", "column 3 (N) got 'two'");
  refused("Layer,M,N,K,\ng,1,2,3,5:4,\n", "column 5 (sparsity)");
  refused("Layer,M,N,K,\ng,2147483648,2147483648,2147483648,\n", "net.csv:2");
  refused("Layer,M,N,K,\ng,99999999999999999999,2,3,\n", "column 2 (M)");
  refused(conv + "c,3,3,5,5,1,1,1,\n", "net.csv:2");
  refused(conv + "c,3,3,3,3,1,1,\n", "net.csv:2: got 7 columns, expected at least 8");
  refused(conv + "c,3,3,3,3,1,1,1,0\n", "net.csv:2: column 9 (stride width) got '0'");
  refused(conv + "c,3,3,3,3,1,1,1,wide\n", "net.csv:2: column 9 (stride width) got 'wide'");
  refused(conv + "c,3,3,3,3,1,1,1,1,2:4,7\n", "net.csv:2: column 11 got '7'");
  refused("\n,,\n" + conv + "\r\n c,3,,3,3,1,1,1\n", "net.csv:5: column 3 (ifmap width) got ''");
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
  refused(
      [](Layer& l) {
        l.input = {1, 1}, l.plan.geometry.padding = {0, 0};
      },
      "padded height of at least 3");
  refused([](Layer& l) { l.batch = std::int64_t{1} << 31, l.input = {1 << 20, 1 << 20}; }, "multiply-adds");
  refused([](Layer& l) { l.plan.geometry.kernel = {5000, 5000}, l.input = {6000, 6000}; }, "at most 1024");
  refused([](Layer& l) { l.plan.geometry.groups = 3; }, "3 groups");
  refused(
      [](Layer& l) {
        l.plan[Pass::ff].weight = OperandPlan::packed(GroupAxis::input_channels, {3, 2});
      },
      "3:2");
  refused(
      [](Layer& l) {
        l.plan[Pass::bp].weight = OperandPlan::packed(GroupAxis::output_channels, {1, 2});
        l.plan[Pass::bp].gradient = OperandPlan::pruned({1, 2});
      },
      "expected one of them dense");
  CHECK_THROWS_AS(check(Workload{}), UsageError);
}

}  // namespace satsuma::sat::test
