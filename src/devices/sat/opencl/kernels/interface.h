// As src/opencl/kernels/interface.h, of SAT alone.

/// What the file of a binary says about its kernels, and what `describe` says about itself.
struct Description {
  Int interface_version;
  Int rows, columns;
  Int sore_lanes, wuve_lanes;
  Int largest_group;
};
