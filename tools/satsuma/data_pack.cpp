#include "tools/satsuma/data_pack.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/data/decode.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "src/core/json.hpp"
#include "src/core/utf8.hpp"
#include "src/data/pack_writer.hpp"
#include "src/data/transforms/crop.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/long_work.hpp"
#include "tools/satsuma/picture_parts.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/use_threads.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  std::string folder;
  std::string out;
  std::string as;
  std::int64_t image_size = 0;
  std::optional<std::int64_t> threads;
  bool quiet = false;
  bool json = false;
};

/// Pictures in flight between two writes, so that memory stays bounded whatever there is to pack.
constexpr std::int64_t kAtOnce = 64;

bool decodes(const Settings& settings) {
  if (settings.image_size < 0 || settings.image_size > 1 << 14) {
    throw UsageError(fmt::format("--image-size got {}, expected 1 to 16384", settings.image_size));
  }
  if (settings.as.empty()) return settings.image_size > 0;
  if (settings.as != "decoded" && settings.as != "files") {
    throw UsageError(fmt::format("--as got '{}', expected decoded or files", shown(settings.as)));
  }
  if (settings.as == "files" && settings.image_size > 0) {
    throw UsageError("--image-size resizes what is decoded, and --as files packs what is not; leave one out");
  }
  return settings.as == "decoded";
}

/// Adds the pictures [first, last) of a part, prepared side by side and written in order.
void add_some(const PicturePart& part, std::int64_t first, std::int64_t last, const Settings& settings,
              bool decode, data::packed::Writer& writer) {
  const auto count = static_cast<std::size_t>(last - first);
  std::vector<data::Image> images(decode ? count : 0);
  std::vector<std::vector<std::uint8_t>> files(decode ? 0 : count);
  parallel_for(last - first, 1, [&](std::int64_t begin, std::int64_t end) {
    data::Image scratch;
    for (std::int64_t i = begin; i < end; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (!decode) {
        data::read_file(part.pictures->path(first + i), files[at]);
        continue;
      }
      part.pictures->read(first + i, images[at], 2 * settings.image_size);
      if (settings.image_size > 0) data::resize_shorter_side(images[at], settings.image_size, scratch);
    }
  });
  for (std::size_t i = 0; i < count; ++i) {
    const data::PictureFile& file = part.pictures->file(first + static_cast<std::int64_t>(i));
    if (decode) {
      writer.add(part.number, file.label, file.path, images[i]);
    } else {
      writer.add(part.number, file.label, file.path, files[i]);
    }
  }
}

int pack(const Settings& settings) {
  use_threads(settings.threads);
  const bool decode = decodes(settings);
  const std::vector<PicturePart> parts = open_pictures(settings.folder);
  std::int64_t all = 0;
  for (const PicturePart& part : parts) all += part.pictures->size();

  train::AtomicFile file(settings.out);
  std::size_t bytes = 0;
  data::packed::Writer writer(decode ? data::packed::Kind::decoded : data::packed::Kind::files,
                              parts.front().pictures->class_names(),
                              [&](std::span<const std::uint8_t> piece) {
                                file.write(std::as_bytes(piece));
                                bytes += piece.size();
                              });
  {
    LongWork work("data pack", "pictures", all, settings.quiet);
    std::int64_t done = 0;
    for (const PicturePart& part : parts) {
      for (std::int64_t first = 0; first < part.pictures->size(); first += kAtOnce) {
        const std::int64_t last = std::min(first + kAtOnce, part.pictures->size());
        add_some(part, first, last, settings, decode, writer);
        work.done(done += last - first);
      }
    }
  }
  writer.finish();
  file.commit();
  if (settings.json) {
    Json counts;
    for (const PicturePart& part : parts) counts[std::string(part.name)] = part.pictures->size();
    print_json({{"file", settings.out},
                {"bytes", bytes},
                {"as", decode ? "decoded" : "files"},
                {"classes", parts.front().pictures->classes()},
                {"pictures", counts}});
    return 0;
  }
  fmt::print("packed {} pictures of {} classes into {}, {}\n", all, parts.front().pictures->classes(),
             shown_path(settings.out), short_bytes(bytes));
  fmt::print("try next: satsuma train --data {}\n", shown_path(settings.out));
  return 0;
}

}  // namespace

void add_data_pack(const Command& data) {
  const auto settings = std::make_shared<Settings>();
  const Command command =
      data.add_command("pack", "Pack a folder of pictures into one file, for --data FILE");
  command.add_option("DIR", settings->folder, "folder of pictures, or CSV of path,label").required();
  command.add_option("-o,--out", settings->out, "file to write").required();
  command.add_option(
      "--as", settings->as,
      "decoded: pixels, fast to load; files: as they are, small [files; decoded with --image-size]");
  command.add_option("--image-size", settings->image_size, "shorter side of decoded pictures [as they are]");
  command.add_option("--threads", settings->threads, "threads that decode [one a core]");
  command.add_flag("--quiet", settings->quiet, "no progress");
  command.add_flag("--json", settings->json, "one JSON object on standard output");
  command.footer("Example: satsuma data pack pictures -o pictures.pack --image-size 256");
  command.run([settings] { return pack(*settings); });
}

}  // namespace satsuma::tools
