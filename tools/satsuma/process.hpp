#pragma once

namespace satsuma::tools {

/// What holds for the whole program, to be called before anything is opened. Descriptors 0 to 2 that are
/// closed are opened on /dev/null: the next file would get their number, and what is printed would end up in
/// it. Too large a file and a pipe without a reader are errors of write() that are reported and cleaned up
/// after, not signals that end the program.
void prepare_process();

}  // namespace satsuma::tools
