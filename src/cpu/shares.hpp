#pragma once

#include <cstdint>
#include <vector>

namespace satsuma::cpu {

/// Multiply-adds below which a thread costs more to wake than it saves: some ten microseconds of them.
constexpr std::int64_t kLeastShare = 1 << 19;

/// How many of `threads` get a share of `work` multiply-adds: as many as have kLeastShare, at least one.
std::int64_t useful_threads(std::int64_t work, std::int64_t threads);

/// A piece of work that may be cut into `units` of about equal work.
struct Piece {
  std::int64_t work;  ///< anything that is proportional to its time
  std::int64_t units;
};

/// A place between two units: behind `unit` units of a piece.
struct Mark {
  std::int64_t piece = 0;
  std::int64_t unit = 0;
};

/// What one thread does: all from one mark to another.
struct Share {
  Mark first;
  Mark last;

  /// Units [begin, end) of a piece.
  struct Units {
    std::int64_t begin, end;
  };
  Units units(std::int64_t piece, const Piece& size) const;
  /// One past the last piece of which there is a unit.
  std::int64_t end_piece() const { return last.piece + (last.unit > 0 ? 1 : 0); }
};

/// Lays the pieces end to end and cuts the line into `count` equal shares, at the nearest units. A cut falls
/// between two pieces where these meet within 1/32 of a share, since whoever shares a piece does once more
/// what its units have in common. Where the largest share is a sixteenth above the mean so, cuts are those
/// whose largest share is least. Depends on nothing but the arguments.
std::vector<Share> equal_shares(const std::vector<Piece>& pieces, std::int64_t count);

}  // namespace satsuma::cpu
