#pragma once

#include "registry.hpp"

namespace satsuma::datasets {

/// Pictures in Debian's packages, read where the packages put them: real colour data that need no download.
///
/// Icons of 32x32 pixels, on white; a class is the folder of a kind of icon, of the eight that all three
/// themes have: actions, apps, categories, devices, emblems, mimetypes, places, status. Links and pictures
/// that were met before (by content) are left out. oxygen-icon-theme and gnome-icon-theme are for training,
/// faenza-icon-theme is the test: how a class looks to another hand.
Entry icons();
/// The same pictures, of which a fifth, drawn by their content, is the test: icons of the same hands.
Entry icons_split();
/// Photographs and drawings of any size with transparency, of tuxpaint-stamps-default: ten folders are ten
/// classes; a fifth, drawn by the names of the files, is the test.
Entry tuxpaint_stamps();

}  // namespace satsuma::datasets
