#include "src/sat/sweep.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"

namespace satsuma::sat {

namespace {

constexpr std::int64_t kMostPoints = 1'000'000;
/// Points between two calls of the progress function, for each thread.
constexpr std::int64_t kPointsAtATime = 8;

std::int64_t parse_batch(std::string_view typed) {
  std::int64_t batch = 0;
  const auto [stop, error] = std::from_chars(typed.data(), typed.data() + typed.size(), batch);
  if (error != std::errc{} || stop != typed.data() + typed.size() || batch < 1)
    throw UsageError(fmt::format("'batch' got '{}', expected a whole number of images", typed));
  return batch;
}

/// What a request becomes at a point of a sweep.
struct Setting {
  std::string method;
  Pattern pattern;
  Config config;
  std::optional<std::int64_t> batch;

  void set(std::string_view key, const std::string& value) {
    if (key == "nm") {
      pattern = Pattern::parse(value);
    } else if (key == "method") {
      MethodText::parse(value);
      method = value;
    } else if (key == "batch") {
      batch = parse_batch(value);
    } else {
      find_config_key(key).set(config, value);
    }
  }
};

void run_point(const ReportRequest& request, const std::vector<SweepAxis>& axes, SweepPoint& point) {
  Setting setting{request.method, request.pattern, request.config, {}};
  for (std::size_t i = 0; i < axes.size(); ++i) setting.set(axes[i].key, point.values[i]);
  point.peak_gops = setting.config.peak_gops();
  try {
    Workload workload = request.workload;
    for (Layer& layer : workload.layers) layer.batch = setting.batch.value_or(layer.batch);
    const Run run =
        make_run(workload, setting.method, setting.pattern, request.wu, setting.config, request.options);
    point.total = run.timing.total();
    point.seconds = setting.config.seconds(point.total.cycles);
    point.images_per_second = run.timing.images_per_second(setting.config);
    point.joules_per_image = point.total.energy.total() / static_cast<double>(run.timing.batch);
  } catch (const Error& error) {
    point.refused = error.what();
  }
}

bool beats(const SweepPoint& a, const SweepPoint& b) {
  return a.images_per_second >= b.images_per_second && a.joules_per_image <= b.joules_per_image &&
         (a.images_per_second > b.images_per_second || a.joules_per_image < b.joules_per_image);
}

void mark_pareto(std::vector<SweepPoint>& points) {
  for (SweepPoint& point : points) {
    point.pareto =
        point.refused.empty() && std::none_of(points.begin(), points.end(), [&](const auto& other) {
          return other.refused.empty() && beats(other, point);
        });
  }
}

std::vector<SweepPoint> points_of(const std::vector<SweepAxis>& axes) {
  std::int64_t count = 1;
  for (const SweepAxis& axis : axes) {
    if (__builtin_mul_overflow(count, static_cast<std::int64_t>(axis.values.size()), &count) ||
        count > kMostPoints)
      throw UsageError(
          fmt::format("the sweep has more than {} points, expected at most that many", kMostPoints));
  }
  std::vector<SweepPoint> points(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < points.size(); ++i) {
    std::size_t rest = i;
    points[i].values.resize(axes.size());
    for (std::size_t axis = axes.size(); axis-- > 0;) {
      points[i].values[axis] = axes[axis].values[rest % axes[axis].values.size()];
      rest /= axes[axis].values.size();
    }
  }
  return points;
}

}  // namespace

SweepAxis SweepAxis::parse(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos)
    throw UsageError(fmt::format("a sweep got '{}', expected KEY=VALUE,VALUE,...", text));
  SweepAxis axis{std::string(text.substr(0, equals)), {}};
  std::string_view rest = text.substr(equals + 1);
  for (std::size_t comma = rest.find(','); comma != std::string_view::npos; comma = rest.find(',')) {
    axis.values.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(comma + 1);
  }
  axis.values.emplace_back(rest);
  // Every value is tried at once: a mistake must not show after an hour.
  Setting setting;
  for (const std::string& value : axis.values) setting.set(axis.key, value);
  return axis;
}

Sweep run_sweep(const ReportRequest& request, const SweepProgress& progress) {
  Sweep sweep{request.sweep, points_of(request.sweep), false};
  const auto all = static_cast<std::int64_t>(sweep.points.size());
  for (std::int64_t done = 0; done < all;) {
    const std::int64_t some = std::min(all - done, kPointsAtATime * threads());
    // One by one, since points differ in what they take.
    parallel_for(some, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        run_point(request, sweep.axes, sweep.points[static_cast<std::size_t>(done + i)]);
    });
    done += some;
    if (progress && !progress(done, all) && done < all) {
      sweep.points.resize(static_cast<std::size_t>(done));
      sweep.stopped = true;
      break;
    }
  }
  mark_pareto(sweep.points);
  return sweep;
}

}  // namespace satsuma::sat
