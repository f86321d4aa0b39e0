// What the program was built for.
__kernel void describe(__global struct Description *to) {
  to->interface_version = INTERFACE_VERSION;
  to->rows = ROWS;
  to->columns = COLUMNS;
  to->sore_lanes = SORE_LANES;
  to->wuve_lanes = WUVE_LANES;
  to->largest_group = LARGEST_GROUP;
}
