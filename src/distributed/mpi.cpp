#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <fmt/format.h>
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
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

class Request : public Transfer {
 public:
  /// `begin` is a call of MPI that sets the transfer out.
  template <typename Begin>
  Request(Progress& progress, Begin&& begin) : progress_(progress) {
    const auto held = progress_.lock();
    begin(&request_);
    progress_.begin();
  }
  ~Request() override { Communicator::wait(*this); }
  bool done() override {
    if (request_ == MPI_REQUEST_NULL) return true;
    const auto held = progress_.lock();
    int arrived = 0;
    MPI_Test(&request_, &arrived, MPI_STATUS_IGNORE);
    if (arrived != 0) progress_.end();
    return arrived != 0;
  }

 private:
  Progress& progress_;
  MPI_Request request_ = MPI_REQUEST_NULL;
};

/// A message to each other rank and one from each, in pieces.
///
/// MPI sends a long message after a handshake, whose answer waits behind all that goes the other way: with
/// several buckets under way over TCP a direction then stood still for half of the time, and MPI's
/// collectives do the same. Pieces below its limit (64 KiB over TCP by Open MPI's choice) are sent at once.
class Pieces : public Transfer {
 public:
  Pieces(Progress& progress, MPI_Comm ranks) : progress_(progress), ranks_(ranks) {}
  ~Pieces() override {
    if (begun_) Communicator::wait(*this);
  }
  void receive(int from, std::byte* to, std::size_t bytes) {
    cut(to, bytes, [&](std::byte* piece, int count, MPI_Request* into) {
      MPI_Irecv(piece, count, MPI_BYTE, from, 0, ranks_, into);
    });
  }
  void send(int to, const std::byte* from, std::size_t bytes) {
    cut(from, bytes, [&](const std::byte* piece, int count, MPI_Request* into) {
      MPI_Isend(piece, count, MPI_BYTE, to, 0, ranks_, into);
    });
  }
  bool done() override {
    const auto held = progress_.lock();
    for (; arrived_ < requests_.size(); ++arrived_) {
      int arrived = 0;
      MPI_Test(&requests_[arrived_], &arrived, MPI_STATUS_IGNORE);
      if (arrived == 0) return false;
    }
    if (begun_) progress_.end();
    begun_ = false;
    return true;
  }

 private:
  template <typename Byte, typename Begin>
  void cut(Byte* data, std::size_t bytes, Begin&& begin) {
    constexpr std::size_t kPiece = 60 << 10;
    const auto held = progress_.lock();
    if (!begun_) progress_.begin();
    begun_ = true;
    for (std::size_t at = 0; at < bytes; at += kPiece) {
      begin(data + at, static_cast<int>(std::min(kPiece, bytes - at)), &requests_.emplace_back());
    }
  }

  Progress& progress_;
  MPI_Comm ranks_;
  std::vector<MPI_Request> requests_;
  std::size_t arrived_ = 0;  ///< of requests, all before this one
  bool begun_ = false;
};

int count_of(std::size_t bytes) {
  if (bytes > INT_MAX) throw Error(fmt::format("a transfer of {} bytes is more than MPI takes", bytes));
  return static_cast<int>(bytes);
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
    int there = 0;
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &there, MPI_STATUS_IGNORE);
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
    Request everybody(progress_, [&](MPI_Request* into) { MPI_Ibarrier(on(Channel::words), into); });
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
    constexpr std::size_t kPiece = std::size_t{1} << 28;
    for (std::size_t at = 0; at < bytes; at += kPiece) {
      const int count = count_of(std::min(kPiece, bytes - at));
      Request request(progress_, [&](MPI_Request* into) {
        MPI_Ibcast(data + at, count, MPI_BYTE, 0, on(Channel::words), into);
      });
      wait(request);
    }
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
  template <typename ForRank>
  std::unique_ptr<Transfer> exchange(Channel channel, ForRank&& for_rank, std::byte* to, std::size_t bytes) {
    auto pieces = std::make_unique<Pieces>(progress_, on(channel));
    for (int i = 1; i < size_; ++i) {
      const int from = (rank_ + size_ - i) % size_;
      pieces->receive(from, to + offset(from, bytes), bytes);
    }
    for (int i = 1; i < size_; ++i) pieces->send((rank_ + i) % size_, for_rank((rank_ + i) % size_), bytes);
    std::copy_n(for_rank(rank_), bytes, to + offset(rank_, bytes));
    return pieces;
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
  Progress progress_{[this] {
    int there = 0;
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, on(Channel::words), &there, MPI_STATUS_IGNORE);
  }};
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
