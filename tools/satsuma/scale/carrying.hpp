#pragma once

namespace satsuma::tools::scale {

/// Seconds that a core works for a byte that is sent and a byte that is received over TCP, beside what the
/// link takes: in LogGP (Alexandrov et al. 1995) the overhead of a byte. Measured over a connection of this
/// machine with itself, in messages of 60 KiB, each copied once by the sender's and once by the receiver's
/// MPI and once by the kernel on each side, with caches that are full of something else. Throws Error where
/// there is no such connection.
double carrying_seconds();

}  // namespace satsuma::tools::scale
