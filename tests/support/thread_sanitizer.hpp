#pragma once

// 1 under Clang's ThreadSanitizer (tools/stress/tsan), which has an operator new of its own that cannot be
// replaced, and calls no handlers of signals in the child of a process with threads.
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#define SATSUMA_THREAD_SANITIZER __has_feature(thread_sanitizer)
