#include "tools/satsuma/data_check.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/data/decode.hpp"
#include "src/core/json.hpp"
#include "src/core/per_thread.hpp"
#include "src/core/utf8.hpp"
#include "src/data/md5.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/long_work.hpp"
#include "tools/satsuma/picture_parts.hpp"
#include "tools/satsuma/table.hpp"
#include "tools/satsuma/use_threads.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  std::string folder;
  std::int64_t least = 1;
  std::optional<std::int64_t> threads;
  bool quiet = false;
  bool json = false;
};

/// What a look at one picture has shown.
struct Look {
  std::string problem;  ///< why it could not be read; empty where it could
  std::string sum;      ///< of the file; empty where it could not be read
  std::int64_t height = 0;
  std::int64_t width = 0;
};

struct Problem {
  std::string_view kind;
  std::string file;
  std::string details;
};

Look look_at(const data::FileDataset& pictures, std::int64_t index) {
  Look look;
  static PerThread<std::vector<std::uint8_t>> buffers;
  std::vector<std::uint8_t>& bytes = buffers.get();
  data::Image image;
  try {
    const std::string path = pictures.path(index).string();
    data::read_file(path, bytes);
    look.sum = data::md5_digits(bytes);
    data::decode_image(bytes, path, 3, image);
    look.height = image.height;
    look.width = image.width;
  } catch (const Error& error) {
    look.problem = error.what();
  }
  return look;
}

/// Looks at all pictures side by side; where a thread ends early the next picture goes to another.
std::vector<std::vector<Look>> look_at_all(const std::vector<PicturePart>& parts, std::int64_t all,
                                           bool quiet) {
  std::vector<std::vector<Look>> looks;
  std::vector<std::pair<std::size_t, std::int64_t>> queue;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    looks.emplace_back(static_cast<std::size_t>(parts[part].pictures->size()));
    for (std::int64_t i = 0; i < parts[part].pictures->size(); ++i) queue.emplace_back(part, i);
  }
  LongWork work("data check", "pictures", all, quiet);
  std::mutex mutex;
  std::atomic<std::size_t> next = 0;
  parallel_for(threads(), 1, [&](std::int64_t, std::int64_t) {
    for (std::size_t at = next++; at < queue.size(); at = next++) {
      const auto [part, index] = queue[at];
      looks[part][static_cast<std::size_t>(index)] = look_at(*parts[part].pictures, index);
      const std::lock_guard lock(mutex);
      work.one_more();
    }
  });
  return looks;
}

/// Where a content was met first.
struct Met {
  std::size_t part;
  std::int64_t index;
};

Problem repeated(const PicturePart& part, std::int64_t index, const PicturePart& first_part,
                 std::int64_t first) {
  const data::FileDataset& pictures = *part.pictures;
  const data::FileDataset& others = *first_part.pictures;
  const std::string other = shown_path(others.name(first));
  const auto name_of = [](const data::FileDataset& set, std::int64_t label) {
    return shown(set.class_names()[static_cast<std::size_t>(label)]);
  };
  if (pictures.label(index) != others.label(first)) {
    return {"two classes", pictures.name(index),
            fmt::format("class {}, and of class {} as {}", name_of(pictures, pictures.label(index)),
                        name_of(others, others.label(first)), other)};
  }
  if (&part != &first_part) {
    return {"two parts", pictures.name(index),
            fmt::format("in {}, and in {} as {}", part.name, first_part.name, other)};
  }
  return {"duplicate", pictures.name(index), fmt::format("the same as {}", other)};
}

std::vector<Problem> problems_of(const std::vector<PicturePart>& parts,
                                 const std::vector<std::vector<Look>>& looks, std::int64_t least) {
  std::vector<Problem> problems;
  std::map<std::string_view, Met> met;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    const data::FileDataset& pictures = *parts[part].pictures;
    for (std::int64_t i = 0; i < pictures.size(); ++i) {
      const Look& look = looks[part][static_cast<std::size_t>(i)];
      if (!look.problem.empty()) {
        // The message begins with the file, which has a column of its own.
        std::string_view why = look.problem;
        const std::string file = shown_path(pictures.name(i)) + ": ";
        if (why.starts_with(file)) why.remove_prefix(file.size());
        problems.push_back({"unreadable", pictures.name(i), std::string(why)});
      } else if (std::min(look.height, look.width) < least) {
        problems.push_back(
            {"too small", pictures.name(i), fmt::format("{}x{} pixels", look.width, look.height)});
      }
      if (look.sum.empty()) continue;
      const auto [at, is_new] = met.try_emplace(look.sum, Met{part, i});
      if (!is_new) problems.push_back(repeated(parts[part], i, parts[at->second.part], at->second.index));
    }
  }
  return problems;
}

int report(const std::vector<PicturePart>& parts, const std::vector<Problem>& problems, std::int64_t all,
           bool json) {
  if (json) {
    Json list = Json::array();
    Json counts = Json::object();
    for (const Problem& problem : problems) {
      list.push_back({{"problem", problem.kind}, {"file", problem.file}, {"details", problem.details}});
      const std::string kind(problem.kind);
      counts[kind] = counts.value(kind, 0) + 1;
    }
    print_json({{"pictures", all},
                {"classes", parts.front().pictures->classes()},
                {"counts", counts},
                {"problems", list}});
    return problems.empty() ? 0 : 1;
  }
  if (!problems.empty()) {
    Table table({"problem", "file", "details"}, {Table::Align::left, Table::Align::left, Table::Align::left});
    for (const Problem& problem : problems) {
      table.add({std::string(problem.kind), shown_path(problem.file), problem.details});
    }
    table.print();
  }
  fmt::print("{} pictures of {} classes, {}\n", all, parts.front().pictures->classes(),
             problems.empty() ? "no problems" : fmt::format("{} problems", problems.size()));
  return problems.empty() ? 0 : 1;
}

int check(const Settings& settings) {
  if (settings.least < 1) throw UsageError(fmt::format("--least got {}, expected 1 or more", settings.least));
  use_threads(settings.threads);
  const std::vector<PicturePart> parts = open_pictures(settings.folder);
  std::int64_t all = 0;
  for (const PicturePart& part : parts) all += part.pictures->size();
  const auto looks = look_at_all(parts, all, settings.quiet);
  return report(parts, problems_of(parts, looks, settings.least), all, settings.json);
}

}  // namespace

void add_data_check(const Command& data) {
  const auto settings = std::make_shared<Settings>();
  const Command command = data.add_command(
      "check", "Find pictures that are damaged, too small, or there twice; exit 1 where there are");
  command.add_option("DIR", settings->folder, "folder of pictures, or CSV of path,label").required();
  command.add_option("--least", settings->least, "pixels that the shorter side must have").show_default();
  command.add_option("--threads", settings->threads, "threads that decode [one a core]");
  command.add_flag("--quiet", settings->quiet, "no progress");
  command.add_flag("--json", settings->json, "one JSON object on standard output");
  command.footer("Example: satsuma data check pictures --least 32");
  command.run([settings] { return check(*settings); });
}

}  // namespace satsuma::tools
