#include "tools/satsuma/compare/training.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "src/core/file_descriptor.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/compare/run_state.hpp"
#include "tools/satsuma/file_text.hpp"

namespace satsuma::tools::compare {

namespace {

/// A file that a child writes to.
FileDescriptor output_file(const std::filesystem::path& path) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file) throw IoError(train::io_message("create", path, errno));
  return file;
}

pid_t start(const std::vector<std::string>& command, const FileDescriptor& result,
            const FileDescriptor& words) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw Error(fmt::format("cannot start a process: {}", std::strerror(errno)));
  if (child > 0) return child;
  // Between fork and exec only calls that are safe in a signal handler: other threads are gone in the middle
  // of what they did. The terminal's Ctrl-C is for the parent, which passes it on.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  if (::dup2(result.get(), STDOUT_FILENO) < 0 || ::dup2(words.get(), STDERR_FILENO) < 0) ::_exit(127);
  ::execv("/proc/self/exe", arguments.data());
  ::_exit(127);
}

/// The status as waitpid() tells it, and the signal that was passed on.
struct End {
  int status = 0;
  int signal = 0;
};

End wait_for(pid_t child, const std::function<int()>& wait) {
  constexpr std::chrono::milliseconds kStep{100};
  End end;
  for (;;) {
    const pid_t waited = ::waitpid(child, &end.status, WNOHANG);
    if (waited == child) return end;
    if (waited < 0 && errno != EINTR)
      throw Error(fmt::format("cannot wait for a process: {}", std::strerror(errno)));
    const int signal = wait();
    if (signal != 0 && end.signal == 0) {
      ::kill(child, signal);
      end.signal = signal;
    }
    std::this_thread::sleep_for(kStep);
  }
}

std::string reason(int status, const std::string& words) {
  const std::string line = last_line(words);
  if (WIFSIGNALED(status))
    return fmt::format("ended by signal {}{}", WTERMSIG(status),
                       WTERMSIG(status) == SIGKILL ? " (out of memory, perhaps)" : "");
  return line.empty() ? fmt::format("ended with status {}", WEXITSTATUS(status)) : line;
}

std::vector<std::string> command_of(const train::StudyRun& run, const RunFiles& files) {
  std::vector<std::string> command = {"satsuma", "train", "--json", "--out", run.recipe.out};
  // A folder without config.toml was killed before anything was in it.
  if (is_there(files.directory() / "config.toml")) {
    command.insert(command.end(), {"--resume"});
    // Where things are and who computes how fast may have changed since.
    for (const train::RecipeField& field : train::recipe_fields()) {
      if (field.traits.same_result && field.key != "out")
        command.insert(command.end(), {fmt::format("--{}", field.key), field.text(run.recipe)});
    }
  } else {
    command.insert(command.end(), {"--config", files.recipe().string()});
    if (is_there(files.directory())) command.emplace_back("--overwrite");
  }
  return command;
}

}  // namespace

Ending train_run(const train::StudyRun& run, const std::function<int()>& wait) {
  const RunFiles files(run);
  train::write_atomically(files.recipe(), train::to_toml(run.recipe));
  std::error_code ignored;
  std::filesystem::remove(files.failure(), ignored);
  const std::filesystem::path printed = files.result().string() + ".part";
  End end;
  {
    const FileDescriptor result = output_file(printed);
    const FileDescriptor words = output_file(files.output());
    end = wait_for(start(command_of(run, files), result, words), wait);
  }
  const std::string text = text_of(printed).value_or("");
  std::filesystem::remove(printed, ignored);
  std::string failure = reason(end.status, text_of(files.output()).value_or(""));
  if (WIFEXITED(end.status) && WEXITSTATUS(end.status) == 0) {
    const Json result = parse_json(text);
    if (is_finished(result)) {
      train::write_atomically(files.result(), text);
      return Ending::finished;
    }
    if (is_interrupted(result)) return Ending::stopped;
    failure = "it has no test accuracy: are there test images?";
  }
  if (end.signal != 0) return Ending::stopped;
  train::write_atomically(files.failure(), failure + "\n");
  return Ending::failed;
}

}  // namespace satsuma::tools::compare
