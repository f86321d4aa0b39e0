#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace satsuma::distributed {

/// Something that travels. What it reads and writes stays as it is until it is done.
class Transfer {
 public:
  virtual ~Transfer() = default;
  /// Moves it on, and tells whether all has arrived.
  virtual bool done() = 0;
};

/// Transfers on one channel begin in the same order on all ranks; channels know nothing of each other.
enum class Channel : std::uint8_t { words, slices, sums };

/// The processes ("ranks") that train together, as this one sees them. One thread of a process calls it. A
/// rank that ends without leaving (its process is killed, its host is gone) ends all others; see Watch.
class Communicator {
 public:
  /// Leaves: waits for all others.
  virtual ~Communicator() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Of each rank.
  virtual const std::vector<std::string>& hosts() const = 0;
  /// Who carries: `Open MPI v4.1.4`, `MPICH 4.0.2`.
  virtual std::string library() const = 0;
  /// Piece r of `from`, of `bytes` bytes, goes to rank r; piece r of `to` comes from rank r.
  virtual std::unique_ptr<Transfer> all_to_all(Channel channel, const std::byte* from, std::byte* to,
                                               std::size_t bytes) = 0;
  /// `own` becomes piece rank() of `all` on all ranks, of `bytes` bytes.
  virtual std::unique_ptr<Transfer> all_gather(Channel channel, const std::byte* own, std::byte* all,
                                               std::size_t bytes) = 0;
  /// What rank 0 has, on all.
  virtual void broadcast(std::byte* data, std::size_t bytes) = 0;
  /// Waits until rank 0 says that it fails, at most a second, and tells whether it does. Rank 0 need not
  /// wait.
  virtual bool first_fails() { return false; }
  /// Ends all ranks, which say nothing more, with exit status `code`.
  [[noreturn]] virtual void abort(int code) noexcept = 0;

  bool first() const { return rank() == 0; }
  int ranks_on_this_host() const;
  /// `rank 1 of 4 on node7`
  std::string name(int rank) const;

  /// Waits without keeping a core from those who compute.
  static void wait(Transfer& transfer);
  /// `own` of all ranks, in their order.
  template <typename T>
  std::vector<T> gather(const T& own) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::vector<T> all(static_cast<std::size_t>(size()));
    wait(*all_gather(Channel::words, reinterpret_cast<const std::byte*>(&own),
                     reinterpret_cast<std::byte*>(all.data()), sizeof(T)));
    return all;
  }
  /// The numbers of all ranks behind each other, of as many as each gives.
  std::vector<double> gather(const double* own, std::size_t count);
  /// Sums of all ranks' numbers, in the order of ranks.
  std::vector<double> sum(const std::vector<double>& own);
  /// Lists of any length, in the order of ranks.
  std::vector<std::int64_t> gather_lists(const std::vector<std::int64_t>& own);
  template <typename T>
  T of_first(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    broadcast(reinterpret_cast<std::byte*>(&value), sizeof(T));
    return value;
  }
  std::string of_first(std::string text);
};

/// What the environment of a process says of who started it.
struct Launch {
  int rank = 0;
  int size = 1;  ///< 0 where only MPI knows
  /// Of them on this host that share its cores; 1 where each has cores of its own (Open MPI's `--bind-to`,
  /// srun).
  int on_host = 1;
  std::string by;  ///< `mpirun`, `srun`; empty where it was started by itself
};
Launch launch_of_process();
/// Makes this process, and those that it starts, ones that were started by themselves, on all cores that the
/// user has not bound it to.
void forget_launch();

/// The ranks that this process was started with; it alone where it was started by itself, and then nothing is
/// set up. Throws UsageError where a launcher started several and this build has no MPI, or MPI does not see
/// them, and where they do not run the same Satsuma.
std::unique_ptr<Communicator> join();
/// A process by itself.
Communicator& alone();
/// `Open MPI v4.1.4`, `MPICH 4.0.2`, or nothing where this build has no MPI.
std::string mpi_library();

}  // namespace satsuma::distributed
