#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <fmt/core.h>
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "satsuma/core/cpu.hpp"
#include "satsuma/core/error.hpp"
#include "src/core/message.hpp"
#include "src/distributed/host_name.hpp"
#include "src/distributed/progress.hpp"
#include "src/distributed/start.hpp"
#include "src/distributed/watch.hpp"

// The one file that includes MPI's header.

namespace satsuma::distributed {

namespace {

/// Calls of MPI that were begun together.
class Requests : public Transfer {
 public:
  /// `begin(next)` begins them, each into the request that `next()` gives.
  template <typename Begin>
  Requests(Progress& progress, Begin&& begin) : progress_(progress) {
    const auto held = progress_.lock();
    begin([this] { return &requests_.emplace_back(); });
    if (!requests_.empty()) progress_.begin();
  }
  ~Requests() override { Communicator::wait(*this); }
  bool done() override {
    if (arrived_ == requests_.size()) return true;
    const auto held = progress_.lock();
    for (; arrived_ < requests_.size(); ++arrived_) {
      int arrived = 0;
      MPI_Test(&requests_[arrived_], &arrived, MPI_STATUS_IGNORE);
      if (arrived == 0) return false;
    }
    progress_.end();
    return true;
  }

 private:
  Progress& progress_;
  std::vector<MPI_Request> requests_;
  std::size_t arrived_ = 0;  ///< of requests, all before this one
};

/// Calls `f(offset, count)` for each piece of so many bytes.
template <typename F>
void for_each_piece(std::size_t bytes, std::size_t piece, F&& f) {
  for (std::size_t at = 0; at < bytes; at += piece) f(at, static_cast<int>(std::min(piece, bytes - at)));
}

/// Lets MPI work on what is under way.
void poll(MPI_Comm ranks) {
  int there = 0;
  MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, ranks, &there, MPI_STATUS_IGNORE);
}

/// The library's first words: `Open MPI v4.1.4`, `MPICH 4.0.2`.
std::string short_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  std::string version(text.data(), static_cast<std::size_t>(length));
  version = version.substr(0, version.find_first_of(",\n"));
  std::replace(version.begin(), version.end(), '\t', ' ');
  constexpr std::string_view kWord = " Version:";
  if (const std::size_t at = version.find(kWord); at != std::string::npos) version.erase(at, kWord.size());
  return version;
}

bool is_open_mpi() {
  return short_version().starts_with("Open MPI");
}

/// What is wrong on all ranks is said by the first. The launcher may end the others when it ends, or all when
/// one of the others ends: they leave it the time to say so.
[[noreturn]] void refuse(int rank, const std::string& why) {
  if (rank != 0) {
    std::this_thread::sleep_for(std::chrono::seconds(5));
    set_silent(true);
  }
  throw UsageError(why);
}

/// Each MPI knows its own launchers: for another's each process is one by itself.
std::string right_launchers() {
  const std::string library = short_version();
  const bool is_mpich = library.starts_with("MPICH");
  return fmt::format("start them with the mpirun of {}{}, or with srun --mpi={}", library,
                     is_open_mpi() ? " (on Debian mpirun.openmpi)"
                     : is_mpich    ? " (on Debian mpirun.mpich)"
                                   : "",
                     is_open_mpi() ? "pmix" : "pmi2");
}

/// Without PMIx, or the PMI that some builds of it speak, Open MPI ends in MPI_Init with words on how to
/// build it.
void check_srun(const Launch& launch) {
  if (launch.by != "srun" || !is_open_mpi()) return;
  if (std::getenv("PMIX_RANK") != nullptr || std::getenv("PMI_RANK") != nullptr) return;
  refuse(launch.rank, fmt::format("srun started {} processes without PMIx, by which {} finds the others; {}",
                                  launch.size, short_version(), right_launchers()));
}

#if defined(MPICH_NUMVERSION) && MPICH_NUMVERSION < 40200000
constexpr bool kMayHangInFinalize = true;
#else
constexpr bool kMayHangInFinalize = false;
#endif

/// MPI's end, where all ranks have left each other. In MPI_Finalize of MPICH before 4.2 a rank that is
/// through with its connections waits for the others and helps none of them any more, so that over UCX they
/// may wait for ever (pmodels/mpich#6596). There processes end without it, with which its mpirun and srun are
/// content.
void finish() {
  if (!kMayHangInFinalize) {
    MPI_Finalize();
    return;
  }
  // What is still on its way to others leaves.
  for (int i = 0; i < 100; ++i) {
    poll(MPI_COMM_WORLD);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

class Mpi : public Communicator {
 public:
  explicit Mpi(const Launch& launch) {
    check_srun(launch);
    // One thread at a time talks to MPI; others (loader, OpenMP) are there.
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    if (launch.size > 0 && size_ != launch.size) {
      MPI_Finalize();
      refuse(launch.rank, fmt::format("{} started {} processes, but MPI sees {}; {}", launch.by, launch.size,
                                      size_, right_launchers()));
    }
    if (launch.size == 0 && rank_ != launch.rank) {
      MPI_Finalize();
      throw UsageError(fmt::format("{} calls this process rank {}, but MPI calls it {} of {}; {}", launch.by,
                                   launch.rank, rank_, size_, right_launchers()));
    }
    for (MPI_Comm& channel : channels_) MPI_Comm_dup(MPI_COMM_WORLD, &channel);
    hosts_ = gather_text(host_name());
    if (provided >= MPI_THREAD_SERIALIZED) progress_.start();
    check_same();
    watch_ = std::make_unique<Watch>(rank_, hosts_,
                                     [this](std::string text) { return of_first(std::move(text)); });
  }

  ~Mpi() override {
    // Who leaves early is no rank that died.
    Requests everybody(progress_, [&](auto next) { MPI_Ibarrier(on(Channel::words), next()); });
    wait(everybody);
    watch_->leave();
    const auto held = progress_.lock();
    for (MPI_Comm& channel : channels_) MPI_Comm_free(&channel);
    finish();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  const std::vector<std::string>& hosts() const override { return hosts_; }
  std::string library() const override { return short_version(); }

  std::unique_ptr<Transfer> all_to_all(Channel channel, const std::byte* from, std::byte* to,
                                       std::size_t bytes) override {
    return exchange(
        channel, [&](int rank) { return from + offset(rank, bytes); }, to, bytes);
  }

  std::unique_ptr<Transfer> all_gather(Channel channel, const std::byte* own, std::byte* all,
                                       std::size_t bytes) override {
    return exchange(
        channel, [&](int) { return own; }, all, bytes);
  }

  void broadcast(std::byte* data, std::size_t bytes) override {
    for_each_piece(bytes, std::size_t{1} << 28, [&](std::size_t at, int count) {
      Requests request(progress_, [&](auto next) {
        MPI_Ibcast(data + at, count, MPI_BYTE, 0, on(Channel::words), next());
      });
      wait(request);
    });
  }

  bool first_fails() override { return rank_ != 0 && watch_->first_fails(); }

  [[noreturn]] void abort(int code) noexcept override {
    watch_->fail();
    const auto held = progress_.lock();
    MPI_Abort(MPI_COMM_WORLD, code);
    ::_exit(code);
  }

 private:
  static std::size_t offset(int rank, std::size_t bytes) { return static_cast<std::size_t>(rank) * bytes; }

  /// `for_rank` of each goes there; piece r of `to` comes from rank r. The others in turns, each rank
  /// beginning behind itself, so that not all send to the first at once.
  ///
  /// MPI sends a long message after a handshake, whose answer waits behind all that goes the other way: with
  /// several buckets under way over TCP a direction then stood still for half of the time, and MPI's
  /// collectives do the same. Messages below its limit (64 KiB over TCP by Open MPI's choice) leave at once.
  template <typename ForRank>
  std::unique_ptr<Transfer> exchange(Channel channel, ForRank&& for_rank, std::byte* to, std::size_t bytes) {
    constexpr std::size_t kMessage = 60 << 10;
    std::copy_n(for_rank(rank_), bytes, to + offset(rank_, bytes));
    return std::make_unique<Requests>(progress_, [&](auto next) {
      for (int i = 1; i < size_; ++i) {
        const int other = (rank_ + size_ - i) % size_;
        std::byte* const place = to + offset(other, bytes);
        for_each_piece(bytes, kMessage, [&](std::size_t at, int count) {
          MPI_Irecv(place + at, count, MPI_BYTE, other, 0, on(channel), next());
        });
      }
      for (int i = 1; i < size_; ++i) {
        const int other = (rank_ + i) % size_;
        const std::byte* const message = for_rank(other);
        for_each_piece(bytes, kMessage, [&](std::size_t at, int count) {
          MPI_Isend(message + at, count, MPI_BYTE, other, 0, on(channel), next());
        });
      }
    });
  }

  MPI_Comm on(Channel channel) const { return channels_[static_cast<std::size_t>(channel)]; }

  std::vector<std::string> gather_text(const std::string& own) {
    std::array<char, 256> fixed{};
    std::copy_n(own.data(), std::min(own.size(), fixed.size() - 1), fixed.data());
    std::vector<std::string> all;
    for (const auto& text : gather(fixed)) all.emplace_back(text.data());
    return all;
  }

  /// Weights are updated on each rank for itself, and have to stay the same.
  void check_same() {
    check_same("is", "Satsuma", SATSUMA_VERSION, "install the same one on all hosts");
    check_same("has", "kernels", std::string(to_string(active_isa())),
               fmt::format("their weights would drift apart: set SATSUMA_ISA to one that all hosts have "
                           "(mpirun {})",
                           is_open_mpi() ? "-x SATSUMA_ISA=avx2" : "-genv SATSUMA_ISA avx2"));
  }

  /// Refuses where a rank's `own` is not that of rank 0.
  void check_same(std::string_view verb, std::string_view what, const std::string& own,
                  std::string_view remedy) {
    const std::vector<std::string> all = gather_text(own);
    const auto other = std::find_if(all.begin(), all.end(), [&](const auto& text) { return text != all[0]; });
    if (other == all.end()) return;
    refuse(rank_, fmt::format("{} {} {} {}, {} {} {}; {}", name(0), verb, what, all[0],
                              name(static_cast<int>(other - all.begin())), verb, *other, remedy));
  }

  int rank_ = 0;
  int size_ = 1;
  std::array<MPI_Comm, 3> channels_{};
  Progress progress_{[this] { poll(on(Channel::words)); }};
  std::vector<std::string> hosts_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace

std::string mpi_library() {
  return short_version();
}

std::unique_ptr<Communicator> make_mpi(const Launch& launch) {
  return std::make_unique<Mpi>(launch);
}

}  // namespace satsuma::distributed
