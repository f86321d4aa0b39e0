#include <algorithm>
#include <cstdlib>

#include "satsuma/distributed/communicator.hpp"
#include "src/distributed/host_name.hpp"

namespace satsuma::distributed {

namespace {

class Arrived : public Transfer {
 public:
  bool done() override { return true; }
};

class Alone : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  const std::vector<std::string>& hosts() const override { return hosts_; }
  std::string library() const override { return {}; }
  std::unique_ptr<Transfer> all_to_all(Channel, const std::byte* from, std::byte* to,
                                       std::size_t bytes) override {
    std::copy_n(from, bytes, to);
    return std::make_unique<Arrived>();
  }
  std::unique_ptr<Transfer> all_gather(Channel, const std::byte* own, std::byte* all,
                                       std::size_t bytes) override {
    std::copy_n(own, bytes, all);
    return std::make_unique<Arrived>();
  }
  void broadcast(std::byte*, std::size_t) override {}
  [[noreturn]] void abort(int code) noexcept override { std::exit(code); }

 private:
  std::vector<std::string> hosts_ = {host_name()};
};

}  // namespace

Communicator& alone() {
  static Alone one;
  return one;
}

std::unique_ptr<Communicator> make_alone() {
  return std::make_unique<Alone>();
}

}  // namespace satsuma::distributed
