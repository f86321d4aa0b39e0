#include "src/cpu/shares.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace satsuma::cpu {

namespace {

using Pieces = std::vector<Piece>;

const Piece& at(const Pieces& pieces, std::int64_t i) {
  return pieces[static_cast<std::size_t>(i)];
}

std::int64_t work_of(const Pieces& pieces, const Share& share) {
  std::int64_t work = 0;
  for (std::int64_t i = share.first.piece; i < share.end_piece(); ++i) {
    const Piece& piece = at(pieces, i);
    const auto [begin, end] = share.units(i, piece);
    work += piece.work * (end - begin) / piece.units;
  }
  return work;
}

std::int64_t largest_of(const Pieces& pieces, const std::vector<Share>& shares) {
  std::int64_t largest = 0;
  for (const Share& share : shares) largest = std::max(largest, work_of(pieces, share));
  return largest;
}

/// Cuts as near as may be to where they should fall, or between two pieces within 1/32 of a share of it.
std::vector<Share> nearest_cuts(const Pieces& pieces, std::int64_t total, std::int64_t count) {
  const std::int64_t slack = total / count / 32;
  std::vector<Share> shares(static_cast<std::size_t>(count));
  std::int64_t i = 0;
  std::int64_t before = 0;  // work of the pieces before the i-th
  for (std::int64_t share = 1; share < count; ++share) {
    const std::int64_t wanted = total / count * share + total % count * share / count;
    while (before + at(pieces, i).work <= wanted && before + at(pieces, i).work < total)
      before += at(pieces, i++).work;
    const Piece& piece = at(pieces, i);
    const std::int64_t work = std::max<std::int64_t>(piece.work, 1);
    const std::int64_t inside = wanted - before;
    Mark cut{i, (inside * piece.units * 2 + work) / (2 * work)};
    if (inside <= slack) cut.unit = 0;
    if (work - inside <= slack || cut.unit >= piece.units) cut = {i + 1, 0};
    shares[static_cast<std::size_t>(share - 1)].last = cut;
    shares[static_cast<std::size_t>(share)].first = cut;
  }
  shares.back().last = {static_cast<std::int64_t>(pieces.size()), 0};
  return shares;
}

/// Shares that are filled up to `limit` one after the other; none where that takes more than `count`.
std::vector<Share> filled(const Pieces& pieces, std::int64_t limit, std::int64_t count) {
  const auto end = static_cast<std::int64_t>(pieces.size());
  std::vector<Share> shares(static_cast<std::size_t>(count));
  Mark mark;
  for (Share& share : shares) {
    share.first = mark;
    for (std::int64_t left = limit; mark.piece < end;) {
      const Piece& piece = at(pieces, mark.piece);
      const std::int64_t unit = std::max<std::int64_t>((piece.work + piece.units - 1) / piece.units, 1);
      const std::int64_t taken = std::min(piece.units - mark.unit, left / unit);
      left -= taken * unit;
      mark.unit += taken;
      if (mark.unit < piece.units) break;
      mark = {mark.piece + 1, 0};
    }
    share.last = mark;
  }
  return mark.piece < end ? std::vector<Share>() : shares;
}

}  // namespace

std::int64_t useful_threads(std::int64_t work, std::int64_t threads) {
  return std::clamp<std::int64_t>(work / kLeastShare, 1, threads);
}

Share::Units Share::units(std::int64_t piece, const Piece& size) const {
  return {piece == first.piece ? first.unit : 0, piece == last.piece ? last.unit : size.units};
}

std::vector<Share> equal_shares(const std::vector<Piece>& pieces, std::int64_t count) {
  std::int64_t total = 0;
  for (const Piece& piece : pieces) total += piece.work;
  std::vector<Share> shares = nearest_cuts(pieces, total, count);
  // Units are so large here that it matters which share gets one more.
  std::int64_t fails = total / count;
  std::int64_t largest = largest_of(pieces, shares);
  while (largest > fails + fails / 16 && largest - fails > 1 + largest / 128) {
    const std::int64_t limit = fails + (largest - fails) / 2;
    std::vector<Share> better = filled(pieces, limit, count);
    if (better.empty()) {
      fails = limit;
    } else {
      shares = std::move(better);
      largest = limit;
    }
  }
  return shares;
}

}  // namespace satsuma::cpu
