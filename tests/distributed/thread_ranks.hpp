#pragma once

#include <algorithm>
#include <barrier>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "satsuma/distributed/communicator.hpp"

namespace satsuma::testing {

/// Ranks that are threads of this process. Transfers are done where they begin, so that all begin them in the
/// same order over all channels, which is more than ranks promise: for tests of what is added up, not of
/// overlap.
class ThreadRanks {
 public:
  explicit ThreadRanks(int size) : size_(size), barrier_(size), pointers_(static_cast<std::size_t>(size)) {}

  void run(const std::function<void(distributed::Communicator&)>& work) {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < size_; ++rank) {
      threads.emplace_back([this, rank, &work] {
        Rank own(*this, rank);
        work(own);
      });
    }
  }

 private:
  class Arrived : public distributed::Transfer {
   public:
    bool done() override { return true; }
  };

  class Rank : public distributed::Communicator {
   public:
    Rank(ThreadRanks& all, int rank)
        : all_(all), rank_(rank), hosts_(static_cast<std::size_t>(all.size_), "here") {}
    int rank() const override { return rank_; }
    int size() const override { return all_.size_; }
    const std::vector<std::string>& hosts() const override { return hosts_; }
    std::string library() const override { return "threads"; }
    std::unique_ptr<distributed::Transfer> all_to_all(distributed::Channel, const std::byte* from,
                                                      std::byte* to, std::size_t bytes) override {
      return exchange(from, [&](const std::byte* theirs, std::size_t r) {
        std::copy_n(theirs + static_cast<std::size_t>(rank_) * bytes, bytes, to + r * bytes);
      });
    }
    std::unique_ptr<distributed::Transfer> all_gather(distributed::Channel, const std::byte* own,
                                                      std::byte* all, std::size_t bytes) override {
      return exchange(
          own, [&](const std::byte* theirs, std::size_t r) { std::copy_n(theirs, bytes, all + r * bytes); });
    }
    void broadcast(std::byte* data, std::size_t bytes) override {
      exchange(data, [&](const std::byte* theirs, std::size_t r) {
        if (r == 0 && rank_ != 0) std::copy_n(theirs, bytes, data);
      });
    }
    [[noreturn]] void abort(int) noexcept override { std::terminate(); }

   private:
    template <typename Take>
    std::unique_ptr<distributed::Transfer> exchange(const std::byte* own, Take&& take) {
      all_.pointers_[static_cast<std::size_t>(rank_)] = own;
      all_.barrier_.arrive_and_wait();
      for (std::size_t r = 0; r < all_.pointers_.size(); ++r) take(all_.pointers_[r], r);
      all_.barrier_.arrive_and_wait();
      return std::make_unique<Arrived>();
    }

    ThreadRanks& all_;
    int rank_;
    std::vector<std::string> hosts_;
  };

  int size_;
  std::barrier<> barrier_;
  std::vector<const std::byte*> pointers_;
};

}  // namespace satsuma::testing
