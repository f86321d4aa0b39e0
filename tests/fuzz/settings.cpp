// Settings that have a grammar of their own, one a line: schedules, patterns, augmentation, lengths of time.

#include <functional>

#include "fuzz.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/data/augment.hpp"
#include "satsuma/optim/schedule.hpp"
#include "satsuma/optim/span.hpp"
#include "satsuma/sparse/pattern.hpp"
#include "satsuma/train/duration.hpp"
#include "satsuma/train/nm_schedule.hpp"
#include "satsuma/train/study.hpp"
#include "src/device/settings.hpp"
#include "src/train/memory_limit.hpp"

using namespace satsuma;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const std::function<void()> parsers[] = {
      [&] {
        for (const optim::Span& span : optim::Span::parse_list("--lr-milestones", text))
          (void)span.steps(1000, 100);
      },
      [&] { (void)optim::parse_schedule(text); },
      [&] { (void)train::NmSchedule::parse(text).at(0.5); },
      [&] { (void)Pattern::parse(text); },
      [&] { (void)data::parse_augment(text); },
      [&] { (void)train::parse_duration("--max-time", text); },
      [&] { (void)train::parse_bytes("--memory", text); },
      [&] { (void)train::Axis::parse(text); },
  };
  for (const auto& parse : parsers) {
    try {
      parse();
    } catch (const UsageError&) {
      // What it is there for.
    }
  }
  return 0;
}
