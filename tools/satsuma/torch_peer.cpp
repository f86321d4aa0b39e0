#include "tools/satsuma/torch_peer.hpp"

#include <fmt/core.h>

#include <filesystem>

#include "satsuma/core/error.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/bench_settings.hpp"
#include "tools/satsuma/data_files.hpp"
#include "tools/satsuma/statistics.hpp"

namespace satsuma::tools {

namespace {

std::string shipped_script(const std::string& name) {
  const std::filesystem::path path = shipped_file("bench/" + name);
  if (!path.empty()) return path.string();
  throw Error(
      fmt::format("{}/bench/{} does not exist; install Satsuma with meson install", SATSUMA_DATA_DIR, name));
}

}  // namespace

TorchPeer::TorchPeer(const std::string& python, const std::string& script, const Json& config,
                     std::chrono::seconds patience)
    : python_(python), format_(config.at("format")), precision_(config.at("precision")) {
  try {
    process_ = std::make_unique<PeerProcess>(
        std::vector<std::string>{python, shipped_script(script), json_text(config)}, patience);
    versions_ = process_->answer();
    if (!versions_.is_object() || !versions_.contains("torch") || !versions_["torch"].is_string()) {
      throw Error(fmt::format("'{}' told no version of PyTorch", python));
    }
  } catch (const PeerSilent&) {
    throw;
  } catch (const Error& error) {
    const std::string words = error.what();
    const bool other_model = words.find("knows no model") != std::string::npos;
    throw Error(fmt::format(
        "peer pytorch: {}; {}", words,
        other_model ? "measure one of those" : "--peer-python names a Python with torch and torchvision"));
  }
}

double TorchPeer::seconds(int steps) {
  process_->tell(std::to_string(steps));
  const Json answer = process_->answer();
  try {
    const auto seconds = answer.at("seconds").get<std::vector<double>>();
    peak_memory_ = answer.at("peak_memory_bytes").get<double>();
    if (!seconds.empty() && seconds.back() > 0) return seconds.back();
  } catch (const Json::exception&) {
    // Told below.
  }
  throw Error(fmt::format("peer pytorch: '{}' answered no seconds of its steps", python_));
}

std::string TorchPeer::name() const {
  return fmt::format("PyTorch {} {}", versions_["torch"].get<std::string>(), format_);
}

Json TorchPeer::to_json() const {
  return {{"name", name()},
          {"python", python_},
          {"format", format_},
          {"precision", precision_},
          {"versions", versions_},
          {"seconds", spread(turns_)},
          {"peak_memory_bytes", peak_memory_}};
}

}  // namespace satsuma::tools
