#include <fmt/core.h>

#include <atomic>
#include <exception>
#include <thread>
#include <vector>

#include "src/conformance/cases.hpp"
#include "src/conformance/checks.hpp"
#include "src/conformance/operands.hpp"
#include "src/core/thread_count.hpp"

// A device is called by one thread at a time, but not always by the same one; supports() by any number at
// once.

namespace satsuma::conformance {

namespace {

const Case kLayer = {"threads",
                     {.in_channels = 33, .out_channels = 24, .kernel = {3, 3}, .padding = {1, 1}},
                     {33, 33, 5, 4},
                     {2, 8}};
/// Images enough for whole vectors, and work enough for several threads.
const Case kManyImages = {"threads, many images",
                          {.in_channels = 40, .out_channels = 48, .kernel = {3, 3}, .padding = {1, 1}},
                          {64, 40, 5, 7},
                          {2, 8}};
/// More than many machines have cores.
constexpr int kThreadCounts[] = {1, 2, 3, 5, 8, 16, 64};

/// Runs `body` in another thread and hands its exception on.
void elsewhere(const std::function<void()>& body) {
  std::exception_ptr thrown;
  std::jthread([&] {
    try {
      body();
    } catch (...) {
      thrown = std::current_exception();
    }
  }).join();
  if (thrown) std::rethrow_exception(thrown);
}

void check_other_thread(Verdict& verdict, Rng& rng, Device& device, Pass pass) {
  const Operands operands(rng, kLayer, own_types(device), device.activation_format_of(kLayer.input[0]));
  const PassWeight weight(device, kLayer, pass, operands.weight);
  const auto run = [&] { return run_pass(device, kLayer, own_types(device), pass, operands, weight); };
  const PassResult here = run();
  PassResult there;
  elsewhere([&] { there = run(); });
  verdict.same("in another thread element ", there.main, here.main);
  verdict.same("back in this thread element ", run().main, here.main);
}

/// Near the reference with each number of threads, and each time the same bits.
void check_count(Verdict& verdict, Rng& rng, const Subject& subject, const Case& layer, Pass pass) {
  const ThreadCount restore;
  Device& device = *subject.device;
  const Types types = own_types(device);
  const Operands operands(rng, layer, types, device.activation_format_of(layer.input[0]));
  const PassWeight packed(*subject.reference, layer, pass, operands.weight);
  const PassResult expected = run_pass(*subject.reference, layer, types, pass, operands, packed);
  for (const int count : kThreadCounts) {
    set_threads(count);
    const PassWeight weight(device, layer, pass, operands.weight);
    const auto run = [&] { return run_pass(device, layer, types, pass, operands, weight).main; };
    const auto first = run();
    verdict.near(fmt::format("with {} threads element ", count).c_str(), first, expected.main,
                 tolerance(layer.reduction(pass), DType::f32));
    verdict.same(fmt::format("again with {} threads element ", count).c_str(), run(), first);
  }
}

void check_support(Verdict& verdict, const Device& device) {
  std::vector<Support> expected;
  for (const Types& types : all_types()) {
    for (const Pass pass : kPasses) expected.push_back(ask(device, kLayer, types, pass));
  }
  std::atomic<bool> same = true;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        std::size_t at = 0;
        for (const Types& types : all_types()) {
          for (const Pass pass : kPasses) {
            const Support answer = ask(device, kLayer, types, pass);
            if (answer.yes != expected[at].yes || answer.reason != expected[at].reason) same = false;
            ++at;
          }
        }
      }
    });
  }
  threads.clear();
  verdict.require(same, "supports() gives other answers when several threads ask");
}

}  // namespace

void check_threads(Recorder& recorder, const Subject& subject) {
  for (const Pass pass : kPasses) {
    const auto run = [&](const char* name, const std::function<void(Verdict&, Rng&)>& body) {
      recorder.check(fmt::format("threads/{}/{}", name, short_name(pass)), [&](Verdict& verdict, Rng& rng) {
        if (accepted(verdict, ask(*subject.device, kLayer, own_types(*subject.device), pass), {}))
          body(verdict, rng);
      });
    };
    run("other",
        [&](Verdict& verdict, Rng& rng) { check_other_thread(verdict, rng, *subject.device, pass); });
    run("count", [&](Verdict& verdict, Rng& rng) {
      for (const Case* layer : {&kLayer, &kManyImages}) check_count(verdict, rng, subject, *layer, pass);
    });
  }
  recorder.check("threads/supports",
                 [&](Verdict& verdict, Rng&) { check_support(verdict, *subject.device); });
}

}  // namespace satsuma::conformance
