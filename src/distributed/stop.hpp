#pragma once

namespace satsuma::distributed {

/// Who tells the signal that this process was asked to end by, 0 for none: a launcher that ends all ranks
/// asks each, and their ends are then nobody's fault.
void set_stop_signal(int (*received)());
bool asked_to_end();

}  // namespace satsuma::distributed
