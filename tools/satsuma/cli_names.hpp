#pragma once

// What headers name of CLI11. Its own header takes seconds to compile, so that only files that define options
// include it.
namespace CLI {
class App;
class Option;
}  // namespace CLI
