#include "satsuma/core/error.hpp"
#include "src/train/events/event_writer.hpp"

namespace satsuma::train {

// What stands for the writer in a build without protobuf.

void EventWriter::check_available() {
  throw UsageError(
      "--tensorboard: this build has no protobuf; install libprotobuf-dev and protobuf-compiler and build "
      "anew, or leave it out");
}

EventWriter::EventWriter(const std::filesystem::path& directory, std::optional<std::int64_t> /*purge_from*/)
    : file_((check_available(), directory)) {}
void EventWriter::scalars(std::int64_t /*step*/, std::span<const std::pair<std::string, double>> /*values*/) {
}
void EventWriter::histogram(std::int64_t /*step*/, std::string_view /*tag*/,
                            std::span<const float> /*values*/) {}
void EventWriter::picture(std::int64_t /*step*/, std::string_view /*tag*/, const EventPicture& /*picture*/) {}
void EventWriter::begin_session(std::span<const std::pair<std::string, HyperParameter>> /*parameters*/,
                                std::span<const std::string> /*metrics*/) {}
void EventWriter::end_session(bool /*success*/) {}

}  // namespace satsuma::train
