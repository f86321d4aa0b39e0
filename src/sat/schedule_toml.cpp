#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "satsuma/sat/schedule.hpp"
#include "src/core/toml_text.hpp"

namespace satsuma::sat {

namespace {

constexpr std::array<Pass, 3> kPasses = {Pass::ff, Pass::bp, Pass::wu};

std::string_view key_of(Pass pass) {
  constexpr std::array<std::string_view, 3> keys = {"ff", "bp", "wu"};
  return keys[static_cast<std::size_t>(pass)];
}

/// A table whose keys are taken one by one; what is missing or left over is an error.
class Reader {
 public:
  Reader(std::string_view source, const toml::table& table, std::string where)
      : source_(source), table_(table), where_(std::move(where)) {}

  const toml::node& required(std::string_view key) {
    known_.push_back(key);
    const toml::node* const node = table_.get(key);
    if (node == nullptr) refuse(source_, table_, fmt::format("{} lacks '{}'", where_, key));
    return *node;
  }

  const toml::table* optional_table(std::string_view key) {
    known_.push_back(key);
    const toml::node* const node = table_.get(key);
    if (node == nullptr) return nullptr;
    return &as_table(key, *node);
  }

  std::string text(std::string_view key) {
    const toml::node& node = required(key);
    if (const auto* value = node.as_string()) return value->get();
    refuse_type(key, node, "a string");
  }

  std::int64_t whole(std::string_view key) {
    const toml::node& node = required(key);
    if (const auto* value = node.as_integer()) return value->get();
    refuse_type(key, node, "a whole number");
  }

  bool flag(std::string_view key) {
    const toml::node& node = required(key);
    if (const auto* value = node.as_boolean()) return value->get();
    refuse_type(key, node, "true or false");
  }

  const toml::table& table(std::string_view key) { return as_table(key, required(key)); }

  const toml::array& list(std::string_view key) {
    const toml::node& node = required(key);
    if (const auto* value = node.as_array()) return *value;
    refuse_type(key, node, "a list");
  }

  /// One of `words`, its position.
  std::size_t word(std::string_view key, const toml::node& node, const std::vector<std::string_view>& words) {
    const auto* value = node.as_string();
    if (value == nullptr) refuse_type(key, node, "a string");
    const auto found = std::find(words.begin(), words.end(), value->get());
    if (found == words.end()) refuse(source_, node, unknown_name(key, value->get(), words));
    return static_cast<std::size_t>(found - words.begin());
  }

  void finish() const {
    for (const auto& [key, node] : table_) {
      if (std::find(known_.begin(), known_.end(), key.str()) == known_.end()) {
        refuse(source_, node, unknown_name("key", key.str(), known_));
      }
    }
  }

  std::string_view source() const { return source_; }
  const std::string& where() const { return where_; }

 private:
  [[noreturn]] void refuse_type(std::string_view key, const toml::node& node,
                                std::string_view expected) const {
    refuse(source_, node,
           fmt::format("'{}' of {} got {}, expected {}", key, where_, type_name(node), expected));
  }

  const toml::table& as_table(std::string_view key, const toml::node& node) const {
    if (const auto* value = node.as_table()) return *value;
    refuse_type(key, node, "a table");
  }

  std::string_view source_;
  const toml::table& table_;
  std::string where_;
  std::vector<std::string_view> known_;
};

PassSchedule pass_from(Reader reader) {
  PassSchedule schedule;
  schedule.dataflow =
      static_cast<Dataflow>(reader.word("dataflow", reader.required("dataflow"), {"WS", "OS"}));
  const toml::array& order = reader.list("order");
  if (order.size() != schedule.order.size()) {
    refuse(reader.source(), order,
           fmt::format(
               "'order' of {} got {} loops, expected pixels, in_channels and out_channels, outermost first",
               reader.where(), order.size()));
  }
  for (std::size_t i = 0; i < schedule.order.size(); ++i) {
    schedule.order[i] =
        static_cast<Loop>(reader.word("order", order[i], {"pixels", "in_channels", "out_channels"}));
  }
  schedule.interleave = reader.whole("interleave");
  Reader tile(reader.source(), reader.table("tile"), "tile of " + reader.where());
  schedule.tile = {tile.whole("images"), tile.whole("rows"), tile.whole("in_channels"),
                   tile.whole("out_channels")};
  tile.finish();
  Reader buffers(reader.source(), reader.table("buffer_kib"), "buffer_kib of " + reader.where());
  schedule.buffers = {buffers.whole("activations"), buffers.whole("weights"), buffers.whole("output")};
  buffers.finish();
  reader.finish();
  return schedule;
}

LayerSchedule layer_from(std::string_view source, const toml::table& table) {
  Reader reader(source, table, "a layer");
  LayerSchedule entry;
  entry.layer = reader.text("name");
  entry.pregenerate_ff = reader.flag("pregenerate_ff");
  entry.pregenerate_bp = reader.flag("pregenerate_bp");
  for (const Pass pass : kPasses) {
    const toml::table* const inner = reader.optional_table(key_of(pass));
    if (inner == nullptr) continue;
    entry[pass] =
        pass_from(Reader(source, *inner, fmt::format("{} of layer '{}'", key_of(pass), entry.layer)));
  }
  reader.finish();
  return entry;
}

std::string pass_text(Pass pass, const PassSchedule& schedule) {
  const Tile& tile = schedule.tile;
  const BufferSplit& buffers = schedule.buffers;
  return fmt::format(
      "[layer.{}]\n"
      "dataflow = \"{}\"\n"
      "order = [\"{}\", \"{}\", \"{}\"]\n"
      "interleave = {}\n"
      "tile = {{ images = {}, rows = {}, in_channels = {}, out_channels = {} }}\n"
      "buffer_kib = {{ activations = {}, weights = {}, output = {} }}\n",
      key_of(pass), to_string(schedule.dataflow), to_string(schedule.order[0]), to_string(schedule.order[1]),
      to_string(schedule.order[2]), schedule.interleave, tile.images, tile.rows, tile.in_channels,
      tile.out_channels, buffers.activations, buffers.weights, buffers.output);
}

}  // namespace

std::string to_toml(const Schedule& schedule) {
  std::string text = fmt::format(
      "# A schedule for SAT: how each pass of each layer is run. It may be edited; it is checked when it is "
      "read.\n"
      "# order: loops over tiles, outermost first. tile: what is on the chip at a time. buffer_kib: both "
      "halves.\n"
      "workload = {}\n"
      "workload_fingerprint = {}\n"
      "config_fingerprint = {}\n",
      quoted(schedule.workload), quoted(schedule.workload_fingerprint), quoted(schedule.config_fingerprint));
  for (const LayerSchedule& entry : schedule.layers) {
    text += fmt::format("\n[[layer]]\nname = {}\npregenerate_ff = {}\npregenerate_bp = {}\n",
                        quoted(entry.layer), entry.pregenerate_ff, entry.pregenerate_bp);
    for (const Pass pass : kPasses) {
      if (entry[pass] != PassSchedule{}) text += pass_text(pass, entry[pass]);
    }
  }
  return text;
}

Schedule parse_schedule(std::string_view text, std::string_view source) {
  const toml::table table = parse_toml(text, source);
  Reader reader(source, table, "the schedule");
  Schedule schedule;
  schedule.workload = reader.text("workload");
  schedule.workload_fingerprint = reader.text("workload_fingerprint");
  schedule.config_fingerprint = reader.text("config_fingerprint");
  for (const toml::node& node : reader.list("layer")) {
    const toml::table* const layer = node.as_table();
    if (layer == nullptr)
      refuse(source, node, fmt::format("'layer' got {}, expected a table", type_name(node)));
    schedule.layers.push_back(layer_from(source, *layer));
  }
  reader.finish();
  return schedule;
}

Schedule read_schedule(const std::filesystem::path& path) {
  return parse_schedule(read_text(path.string(), "schedule"), path.string());
}

}  // namespace satsuma::sat
