// Image folders, lists in CSV, CIFAR, Tiny ImageNet and ImageNet layouts, pictures of Debian's packages.

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "data/golden.hpp"
#include "datasets/folder.hpp"
#include "datasets/registry.hpp"
#include "satsuma/data/cifar.hpp"
#include "satsuma/data/class_folders.hpp"
#include "satsuma/data/csv.hpp"
#include "satsuma/data/decode.hpp"
#include "support.hpp"

using namespace satsuma;
using namespace satsuma::data_tests;
namespace fs = std::filesystem;

namespace {

const Bytes& png() {
  static const Bytes bytes = [] {
    Bytes read;
    data::read_file(fs::path(SATSUMA_GOLDEN) / "pictures" / "colour.png", read);
    return read;
  }();
  return bytes;
}

/// Writes pictures at these paths, with their directories.
void put(const TempDir& dir, std::initializer_list<const char*> paths) {
  for (const char* const path : paths) {
    fs::create_directories((dir.path() / path).parent_path());
    dir.write(path, png());
  }
}

datasets::Splits open(const fs::path& path, datasets::Options options = {}) {
  return datasets::open_folder(path.string(), options);
}

std::string refusal(const fs::path& path) {
  return message_of<Error>([&] { open(path); });
}

Bytes text(std::string_view words) {
  return {words.begin(), words.end()};
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a directory for each class is a data set, in the order of bytes") {
  const TempDir dir;
  put(dir, {"b/2.PNG", "b/10.png", "a/deep/er/1.png", "a/x.jpeg", "Z/1.png", "\xc3\xa4/1.png",
            ".hidden/1.png", "a/.hidden.png"});
  dir.write("a/Thumbs.db", {1});
  dir.write("README", {1});
  const data::ClassFolders list = data::list_class_folders(dir.path());
  CHECK(list.class_names == Names{"Z", "a", "b", "\xc3\xa4"});
  CHECK(list.ignored == 1);
  CHECK(list.an_ignored == (dir.path() / "a/Thumbs.db").string());
  CHECK(list.files == std::vector<data::PictureFile>{{"Z/1.png", 0},
                                                     {"a/deep/er/1.png", 1},
                                                     {"a/x.jpeg", 1},
                                                     {"b/10.png", 2},
                                                     {"b/2.PNG", 2},
                                                     {"\xc3\xa4/1.png", 3}});
  const datasets::Splits splits = open(dir.path());
  CHECK(splits.train->size() == 6);
  CHECK(splits.train->image_shape() == Shape{3, 0, 0});
  CHECK(splits.train->name(0) == (dir.path() / "Z/1.png").string());
  CHECK(splits.validation == nullptr);
  CHECK(splits.test == nullptr);
  data::Image image;
  splits.train->read(2, image);  // The content tells, not the name.
  CHECK(image.pixels == data::read_image(dir.path() / "a/x.jpeg", 3).pixels);
  CHECK(image.width == 27);
  datasets::Options grey;
  grey.input = {1, 28, 28};
  open(dir.path(), grey).train->read(0, image);
  CHECK(image.channels == 1);
}

TEST_CASE("train, val and test are parts of a data set") {
  const TempDir dir;
  put(dir, {"train/a/1.png", "train/b/1.png", "train/b/2.png", "val/a/1.png", "val/b/1.png", "test/1.png",
            "notes/1.png"});
  datasets::Splits splits = open(dir.path());
  CHECK(splits.train->size() == 3);
  CHECK(splits.validation->size() == 2);
  CHECK(splits.test == nullptr);  // It has no labels.
  put(dir, {"test/a/1.png", "test/b/1.png"});
  CHECK(open(dir.path()).test->size() == 2);
  put(dir, {"valid/a/1.png", "valid/b/1.png"});
  CHECK(contains(refusal(dir.path()), "both 'val' and 'valid'"));
}

TEST_CASE("a class may be called train") {
  const TempDir dir;
  put(dir, {"train/1.png", "bus/1.png"});
  CHECK(open(dir.path()).train->class_names() == Names{"bus", "train"});
}

TEST_CASE("parts whose classes differ are refused with the differences") {
  const TempDir dir;
  put(dir, {"train/a/1.png", "train/b/1.png", "train/c/1.png", "val/a/1.png", "val/B/1.png", "val/c/1.png"});
  CHECK(contains(
      refusal(dir.path()),
      fmt::format("the classes of {0}/train and {0}/val differ: only {0}/train has b; only {0}/val has B",
                  dir.path().string())));
  Names many;
  for (int i = 0; i < 14; ++i) many.push_back(fmt::format("c{:02}", i));
  const std::string message =
      message_of<FormatError>([&] { data::require_same_classes({"c00"}, "x", many, "y"); });
  CHECK(message ==
        "the classes of x and y differ: only y has c01, c02, c03, c04, c05, c06, c07, c08, c09, c10 and 3 "
        "more");
}

TEST_CASE("directories that make no data set are refused in one line") {
  const TempDir dir;
  CHECK(contains(refusal(dir.path() / "none"), "no such file"));
  CHECK(contains(refusal(dir.path()), "no directories, expected a directory for each class"));
  dir.write("1.png", png());
  CHECK(contains(refusal(dir.path()), "1 pictures, but no directories"));
  put(dir, {"a/1.png"});
  CHECK(contains(refusal(dir.path()), "one class only, 'a'"));
  fs::create_directories(dir.path() / "empty\nclass" / "within");
  CHECK(contains(refusal(dir.path()),
                 "no picture (.jpg, .jpeg, .png, .bmp, .gif) in 1 of 2 classes: empty\\x0aclass"));
  put(dir, {"empty\nclass/1.png"});
  CHECK(refusal(dir.path()).empty());
  fs::create_directory_symlink(dir.path() / "a", dir.path() / "a" / "loop");
  CHECK(contains(refusal(dir.path()), "a/loop: a symbolic link that leads back to a directory above it"));
  fs::remove(dir.path() / "a" / "loop");
  fs::create_symlink("itself.png", dir.path() / "a" / "itself.png");
  CHECK(contains(refusal(dir.path()), "itself.png: a symbolic link that leads nowhere"));
  fs::remove(dir.path() / "a" / "itself.png");
  fs::create_symlink("gone.png", dir.path() / "a" / "dangling.png");
  CHECK(contains(refusal(dir.path()), "dangling.png: a symbolic link that leads nowhere"));
  fs::remove(dir.path() / "a" / "dangling.png");
  // A link to a picture, or to a directory elsewhere, is followed.
  fs::create_symlink(dir.path() / "1.png", dir.path() / "a" / "link.png");
  CHECK(open(dir.path()).train->size() == 3);
  dir.write("a/2.WebP", {1});
  CHECK(contains(refusal(dir.path()), "2.WebP: pictures of this format are not read"));
  fs::remove(dir.path() / "a/2.WebP");
  put(dir, {"val/a/1.png"});
  CHECK(contains(refusal(dir.path()), "'val' but no 'train'"));
}

TEST_CASE("CSV is split as RFC 4180 has it") {
  const auto rows = data::parse_csv(
      "\xef\xbb\xbf"
      "a,b\r\n\r\n\"c,\"\"d\"\"\r\ne\",\n f ,\"\"\ng",
      "x.csv");
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].fields == Names{"a", "b"});
  CHECK(rows[1].fields == Names{"c,\"d\"\r\ne", ""});
  CHECK(rows[1].line == 3);
  CHECK(rows[2].fields == Names{" f ", ""});
  CHECK(rows[2].line == 5);
  CHECK(rows[3].fields == Names{"g"});
  CHECK(data::parse_csv("", "x").empty());
  const auto refused = [](std::string_view csv) {
    return message_of<FormatError>([&] { data::parse_csv(csv, "x.csv"); });
  };
  CHECK(refused("a,b\n\"c") == "x.csv: line 2: a quote that is not closed");
  CHECK(contains(refused("\"a\"b,c"), "line 1: text follows a closing quote"));
  CHECK(contains(refused("a\"b,c"), "a quote within a field"));
  CHECK(contains(refused(std::string_view("a\0b", 3)), "a zero byte"));
}

TEST_CASE("a list in CSV is a data set, with labels by name or by number") {
  const TempDir dir;
  put(dir, {"a, b.png", "in/c.png"});
  dir.write("list.csv", text("label,size,Path\r\ndog,1,\"a, b.png\"\r\ncat,2,in/c.png\r\n"));
  const datasets::Splits splits = open(dir.path() / "list.csv");
  CHECK(splits.train->class_names() == Names{"cat", "dog"});
  CHECK(splits.train->label(0) == 1);
  data::Image image;
  splits.train->read(0, image);
  CHECK(image.width == 27);
  dir.write("list.csv", text("in/c.png,3\nin/c.png,0\n"));
  CHECK(open(dir.path() / "list.csv").train->class_names() == Names{"0", "1", "2", "3"});
  CHECK(open(dir.path() / "list.csv").train->label(0) == 3);
  const auto refused = [&](std::string_view words) {
    dir.write("list.csv", text(words));
    return refusal(dir.path() / "list.csv");
  };
  CHECK(contains(refused(""), "line 1: no lines"));
  CHECK(contains(refused("path,label\n"), "names of columns only"));
  CHECK(contains(refused("a.png\n"), "line 1: 1 columns, expected path,label"));
  CHECK(contains(refused("a.png,x\n,y\n"), "line 2: an empty path"));
  CHECK(contains(refused("a.png,x\nb.png,\n"), "line 2: an empty label"));
  CHECK(contains(refused("a.png,x\nb.png,x\n"), "one class only, 'x'"));
  CHECK(contains(refused("a.png,0\nb.png,99999999999999999999\n"),
                 "line 2: label 99999999999999999999, expected 0 to 65535"));
  CHECK(refused("a.png,0\nb.png,-1\n").empty());  // Not a number of a class, so both are names.
}

TEST_CASE("lists for training, validation and test make parts") {
  const TempDir dir;
  put(dir, {"1.png"});
  dir.write("train.csv", text("1.png,0\n1.png,1\n1.png,2\n"));
  dir.write("val.csv", text("1.png,1\n1.png,0\n"));
  CHECK(open(dir.path()).validation->classes() == 3);
  dir.write("val.csv", text("1.png,1\n1.png,3\n"));
  CHECK(contains(refusal(dir.path()), "only " + (dir.path() / "val.csv").string() + " has 3"));
}

TEST_CASE("CIFAR's binary files are read, and wrong ones refused") {
  const TempDir dir;
  const auto record = [](std::initializer_list<int> labels, unsigned salt) {
    Bytes bytes;
    for (const int label : labels) bytes.push_back(static_cast<std::uint8_t>(label));
    const Bytes pixels = pattern(3072, salt);
    bytes.insert(bytes.end(), pixels.begin(), pixels.end());
    return bytes;
  };
  fs::create_directories(dir.path() / "cifar-10-batches-bin");
  for (int i = 1; i <= 5; ++i)
    dir.write(fmt::format("cifar-10-batches-bin/data_batch_{}.bin", i),
              record({i}, static_cast<unsigned>(i)));
  dir.write("cifar-10-batches-bin/test_batch.bin", record({9}, 6));
  datasets::Options options;
  options.directory = dir.path().string();
  const datasets::Entry& entry = datasets::find("cifar10");
  CHECK(entry.find(options) == (dir.path() / "cifar-10-batches-bin").string());
  datasets::Splits splits = entry.load(options);
  CHECK(splits.train->size() == 5);
  CHECK(splits.train->label(2) == 3);
  CHECK(splits.train->image_shape() == Shape{3, 32, 32});
  CHECK(planes_of(*splits.train, 2) == pattern(3072, 3));
  CHECK(splits.train->class_names().empty());
  dir.write("cifar-10-batches-bin/batches.meta.txt", text("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n"));
  CHECK(entry.load(options).test->class_names().back() == "j");
  dir.write("cifar-10-batches-bin/batches.meta.txt", text("a\nb\n"));
  CHECK(contains(message_of<FormatError>([&] { entry.load(options); }), "2 names, expected 10"));

  data::CifarArray array;
  data::parse_cifar(record({7, 42}, 1), "x", 2, 100, array);
  CHECK(array.labels == std::vector<std::int64_t>{42});
  const auto refused = [&](const Bytes& bytes) {
    return message_of<FormatError>([&] { data::parse_cifar(bytes, "x.bin", 1, 10, array); });
  };
  CHECK(contains(refused({}), "x.bin: 0 bytes, expected a multiple of 3073"));
  CHECK(contains(refused(record({1, 1}, 1)), "x.bin: 3074 bytes, expected a multiple of 3073"));
  Bytes two = record({1}, 1);
  const Bytes bad = record({10}, 1);
  two.insert(two.end(), bad.begin(), bad.end());
  CHECK(refused(two) == "x.bin: offset 3073: label 10, expected 0 to 9");
  options.directory = (dir.path() / "none").string();
  const std::string missing = message_of<IoError>([&] { entry.load(options); });
  CHECK(contains(missing, "satsuma datasets get cifar10"));
  CHECK(contains(missing, "none"));
}

TEST_CASE("Tiny ImageNet's layout is read") {
  const TempDir dir;
  put(dir, {"train/n01/images/n01_0.JPEG", "train/n02/images/n02_0.JPEG", "train/n02/images/n02_1.JPEG",
            "val/images/val_0.JPEG", "val/images/val_1.JPEG", "test/images/t.JPEG"});
  dir.write("train/n01/n01_boxes.txt", {1});
  dir.write("val/val_annotations.txt",
            text("val_0.JPEG\tn02\t0\t0\t62\t62\nval_1.JPEG\tn01\t1\t2\t3\t4\r\n"));
  const datasets::Splits splits = open(dir.path());
  CHECK(splits.train->size() == 3);
  CHECK(splits.validation->size() == 2);
  CHECK(splits.validation->label(0) == 1);
  data::Image image;
  splits.validation->read(1, image);
  CHECK(image.width == 27);
  // By its name it has to have 200 classes.
  datasets::Options options;
  options.directory = dir.path().string();
  CHECK(datasets::find("tiny-imagenet").find(options) == dir.path().string());
  CHECK(contains(message_of<FormatError>([&] { datasets::find("tiny-imagenet").load(options); }),
                 "2 classes, expected 200"));
  dir.write("val/val_annotations.txt", text("val_0.JPEG\tn03\n"));
  CHECK(contains(refusal(dir.path()), "line 1: class 'n03', which has no directory in train"));
  dir.write("val/val_annotations.txt", text("\nval_0.JPEG n01\n"));
  CHECK(contains(refusal(dir.path()), "line 2: expected a file, a tab and a class"));
}

TEST_CASE("ImageNet is class directories, a thousand") {
  const TempDir dir;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = fmt::format("n{:08}", i);
    for (const char* const part : {"train", "val"}) {
      fs::create_directories(dir.path() / part / name);
      dir.write(fmt::format("{}/{}/1.JPEG", part, name), png());
    }
  }
  datasets::Options options;
  options.directory = dir.path().string();
  CHECK(datasets::find("imagenet").load(options).validation->size() == 1000);
  fs::remove_all(dir.path() / "train/n00000007");
  CHECK(contains(message_of<FormatError>([&] { datasets::find("imagenet").load(options); }), "n00000007"));
}

TEST_CASE("icons of three themes are a data set, each picture once") {
  const TempDir dir;
  const Bytes icon = [] {
    Bytes bytes = png();
    bytes[19] = bytes[23] = 32;  // Width and height; nothing is decoded here.
    return bytes;
  }();
  std::uint8_t salt = 0;
  const auto place = [&](const std::string& path, Bytes bytes) {
    fs::create_directories((dir.path() / path).parent_path());
    dir.write(path, bytes);
  };
  for (const char* const kind :
       {"actions", "apps", "categories", "devices", "emblems", "mimetypes", "places", "status"}) {
    for (const std::string& folder :
         {fmt::format("oxygen/base/32x32/{}", kind), fmt::format("gnome/32x32/{}", kind),
          fmt::format("Faenza/{}/32", kind)}) {
      Bytes own = icon;
      own.push_back(++salt);
      place(folder + "/own.png", own);
      place(folder + "/shared.png", icon);
      place(folder + "/small.png", png());
      fs::create_symlink("own.png", dir.path() / folder / "link.png");
    }
  }
  datasets::Options options;
  options.directory = dir.path().string();
  const datasets::Splits splits = datasets::find("icons").load(options);
  CHECK(splits.train->size() == 8 * 2 + 1);
  CHECK(splits.test->size() == 8);
  CHECK(splits.train->class_names().size() == 8);
  const datasets::Splits drawn = datasets::find("icons-split").load(options);
  CHECK(drawn.train->size() + drawn.test->size() == 25);
  CHECK(drawn.test->size() < 13);
  fs::remove_all(dir.path() / "gnome");
  CHECK(contains(message_of<IoError>([&] { datasets::find("icons").load(options); }),
                 "gnome/32x32/actions; to get them: apt-get install"));
  CHECK(datasets::find("icons").find(options).empty());
}

TEST_CASE("the pictures of Debian's packages are all read, where they are installed") {
  for (const char* const name : {"icons", "icons-split", "tuxpaint-stamps"}) {
    const datasets::Entry& entry = datasets::find(name);
    if (entry.find({}).empty()) {
      MESSAGE(name << " is not installed");
      continue;
    }
    const datasets::Splits splits = entry.load({});
    CHECK(splits.train->classes() == entry.classes);
    data::Image image;
    for (const auto& part : {splits.train, splits.test}) {
      for (std::int64_t i = 0; i < part->size(); ++i) part->read(i, image);
      std::vector<std::int64_t> count(static_cast<std::size_t>(part->classes()));
      for (std::int64_t i = 0; i < part->size(); ++i) ++count[static_cast<std::size_t>(part->label(i))];
      for (const std::int64_t pictures : count) CHECK(pictures > 0);
    }
  }
}
