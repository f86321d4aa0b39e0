#include "satsuma/train/recipe.hpp"

#include <fmt/core.h>

#include <set>

#include "satsuma/core/error.hpp"
#include "train/support.hpp"

namespace satsuma::train {

using namespace testing;

TEST_CASE("every setting goes through TOML and back") {
  Recipe recipe;
  CHECK(to_toml(parse_recipe(to_toml(recipe), "test")) == to_toml(recipe));

  const std::pair<const char*, const char*> values[] = {
      {"model", "resnet18"},
      {"stem", "imagenet"},
      {"width", "0.3333333333333333"},
      {"data", "synthetic"},
      {"data-dir", "/a 'b' \"c"},
      {"input", "1x28x30"},
      {"classes", "7"},
      {"limit-train", "1000"},
      {"val-share", "0.2"},
      {"image-size", "96"},
      {"augment", "flip,rand-augment:1,30"},
      {"resize", "0"},
      {"crop", "64"},
      {"shuffle", "false"},
      {"workers", "3"},
      {"skip-bad-images", "true"},
      {"method", "sr-ste"},
      {"nm", "1:4"},
      {"wu", "2:8"},
      {"bp", "packed"},
      {"ff-bits", "8"},
      {"nm-for", "layer4.*=1:8"},
      {"budget-macs", "none"},  // it excludes nm-for and nm-schedule
      {"dense", "fc|conv1"},
      {"nm-schedule", "dense@0,2:8@0.5"},
      {"refresh-masks", "1"},
      {"sr-ste", "0.0002"},
      {"device", "reference"},
      {"place", "fc=cpu"},
      {"strict-device", "true"},
      {"precision", "fp16"},
      {"threads", "3"},
      {"epochs", "12"},
      {"steps", "99"},
      {"batch-size", "64"},
      {"optimizer", "sgd"},
      {"lr", "1e-05"},
      {"beta1", "0.8"},
      {"beta2", "0.99"},
      {"epsilon", "1e-06"},
      {"decay-norms", "true"},
      {"momentum", "0.8"},
      {"nesterov", "true"},
      {"weight-decay", "0"},
      {"schedule", "onecycle"},
      {"warmup", "5ep"},
      {"schedule-per", "epoch"},
      {"lr-floor", "1e-06"},
      {"lr-cycles", "3"},
      {"lr-step", "30ep"},
      {"lr-milestones", "30ep,60ep"},
      {"lr-gamma", "0.2"},
      {"lr-power", "0.9"},
      {"clip", "agc:0.01"},
      {"accumulate", "4"},
      {"ema", "0.999"},
      {"label-smoothing", "0"},
      {"class-weights", "balanced"},
      {"patience", "5"},
      {"max-time", "1h30m"},
      {"auto-batch", "true"},
      {"memory", "8GiB"},
      {"keep-best", "3"},
      {"seed", "9007199254740991"},
      {"init", "w\n.safetensors"},
      {"new-head", "true"},
      {"freeze", "conv1|layer1.*"},
      {"lr-for", "fc=10"},
      {"layer-decay", "0.75"},
      {"drop-path", "0.1"},
      {"dropout", "0.2"},
      {"recompute", "true"},
      {"sync-bn", "true"},
      {"exchange", "bf16"},
      {"out", "runs/\xc3\xa4"},
      {"log-every", "1"},
      {"save-every", "10"},
      {"tensorboard", "true"},
  };
  std::set<std::string_view> seen;
  for (const auto& [key, value] : values) {
    find_recipe_field(key).set(recipe, value);
    seen.insert(key);
  }
  find_recipe_field("place").set(recipe, "layer1.*=reference");
  for (const RecipeField& field : recipe_fields())
    CHECK_MESSAGE(seen.count(field.key) == 1, std::string(field.key));

  const Recipe again = parse_recipe(to_toml(recipe), "test");
  for (const auto& entry : values) {
    const std::string key = entry.first;
    CAPTURE(key);
    const std::string expected = key == "place" ? "fc=cpu layer1.*=reference" : entry.second;
    CHECK(find_recipe_field(key).text(again) == expected);
  }
  CHECK(again.place == std::vector<std::string>{"fc=cpu", "layer1.*=reference"});
}

TEST_CASE("a recipe changes what it names and nothing else") {
  Recipe base;
  base.lr = 0.5;
  base.place = {"fc=cpu"};
  const Recipe recipe = parse_recipe("epochs = 7\nwidth = 2  # whole numbers are numbers\n", "test", base);
  CHECK(recipe.epochs == 7);
  CHECK(recipe.width == 2.0);
  CHECK(recipe.lr == 0.5);
  CHECK(recipe.place == base.place);
  CHECK(parse_recipe("place = []", "test", base).place.empty());
}

TEST_CASE("a number that is not given is no number") {
  const char* const keys[] = {"classes", "limit-train", "sr-ste",  "threads",
                              "steps",   "save-every",  "patience"};
  for (const char* const key : keys) {
    CAPTURE(std::string(key));
    const RecipeField& field = find_recipe_field(key);
    REQUIRE(field.is_optional());
    CHECK(field.text(Recipe{}) == field.absent);
    Recipe recipe;
    field.set(recipe, "1");
    CHECK(field.text(recipe) == "1");
    CHECK(to_toml(recipe).find(std::string("\n") + key + " = 1\n") != std::string::npos);
    CHECK(field.text(parse_recipe(fmt::format("{} = '{}'", key, field.absent), "test", recipe)) ==
          field.absent);
    field.set(recipe, field.absent);
    CHECK(to_toml(recipe) == to_toml(Recipe{}));
    if (std::string(key) == "sr-ste") continue;  // 0 is a lambda
    CHECK_THROWS_WITH_AS(field.set(recipe, "0"), doctest::Contains("got '0', expected a whole number from 1"),
                         UsageError);
    CHECK_THROWS_AS(field.set(recipe, "-1"), UsageError);
    CHECK_THROWS_AS(field.set(recipe, ""), UsageError);
    // As version 0.1 wrote it.
    field.set(recipe, "1");
    CHECK(field.text(parse_recipe(fmt::format("{} = 0", key), "test", recipe)) == field.absent);
  }
  CHECK(Recipe{}.seed == 0);
}

TEST_CASE("bad recipes are refused with file, line, key, what was got and what was expected") {
  struct Case {
    const char* text;
    std::vector<const char*> expected;
  };
  const Case cases[] = {
      {"batchsize = 1", {"line 1", "'batchsize'", "did you mean 'batch-size'"}},
      {"\n\nmodle = 'x'", {"line 3", "did you mean 'model'"}},
      {"epochs = 'x'", {"line 1", "'epochs' got a string, expected a whole number"}},
      {"epochs = 1.5", {"'epochs' got a number, expected a whole number"}},
      {"epochs = -1", {"--epochs got '-1', expected a whole number from 0 to 1000000"}},
      {"epochs = 99999999999999999999", {"line 1"}},
      {"batch-size = 0", {"--batch-size got '0'", "from 1"}},
      {"lr = 'fast'", {"--lr got 'fast', expected a number from 0 to 1000000, or auto"}},
      {"lr = nan", {"--lr got 'nan'"}},
      {"lr = inf", {"--lr got 'inf'"}},
      {"lr = -0.1", {"--lr got '-0.1'"}},
      {"momentum = 1.5", {"--momentum got '1.5', expected a number from 0 to 1"}},
      {"warmup = -1",
       {"--warmup got '-1', expected steps (500), epochs (5ep) or a share of all steps (0.2)"}},
      {"warmup = true", {"'warmup' got a switch"}},
      {"warmup = '5 epochs'", {"--warmup got '5 epochs'"}},
      {"schedule-per = 'batch'", {"schedule-per", "step, epoch"}},
      {"lr-step = 0", {"--lr-step got '0', expected more than 0"}},
      {"lr-milestones = '60,30'", {"--lr-milestones got '60,30', expected values that rise"}},
      {"lr-floor = 0.5", {"--lr-floor got 0.5, expected at most --lr, 0.1"}},
      {"clip = 'norm'", {"--clip got 'norm', expected norm:LIMIT, value:LIMIT or agc:FACTOR"}},
      {"accumulate = 0", {"--accumulate got '0'"}},
      {"ema = 1.5", {"--ema got '1.5', expected a number from 0 to 1, or none"}},
      {"class-weights = 'even'", {"--class-weights got 'even', expected balanced"}},
      {"class-weights = '1,-2'", {"--class-weights got '1,-2'"}},
      {"patience = -1", {"--patience got '-1'"}},
      {"max-time = '2x'", {"--max-time got '2x', expected a time such as"}},
      {"memory = '8'", {"--memory got '8', expected a size such as 8GiB"}},
      {"keep-best = 0", {"--keep-best got '0'"}},
      {"label-smoothing = 1.01", {"--label-smoothing"}},
      {"shuffle = 1", {"'shuffle' got a whole number, expected true or false"}},
      {"shuffle = 'yes'", {"'shuffle' got a string"}},
      {"model = 3", {"'model' got a whole number, expected a string"}},
      {"place = 'fc=cpu'", {"'place' got a string, expected a list of strings"}},
      {"place = [1]", {"'place' got a whole number, expected a string"}},
      {"place = ['fc']", {"--place got 'fc', expected PATTERN=DEVICE"}},
      {"place = ['=cpu']", {"--place got '=cpu'"}},
      {"place = ['fc=']", {"--place got 'fc='"}},
      {"[training]\nlr = 1", {"'training'"}},
      {"model.name = 'x'", {"'model' got a table"}},
      {"model = 1979-05-27", {"'model' got a date or time"}},
      {"model = 'a'\nmodel = 'b'", {"line 2"}},
      {"model = ", {"line 1"}},
      {"model = 'a", {"line 1"}},
      {"\xff\xfe", {"line 1"}},
      {"nm = '2:x'", {"2:x"}},
      {"nm = '0:4'", {"0:4"}},
      {"nm = '5:4'", {"5:4"}},
      {"wu = '9:8'", {"9:8"}},
      {"wu = 'sparse'", {"'sparse' is not N:M"}},
      {"method = 'sr-ste'\nbp = 'mask'", {"did you mean 'masked'"}},
      {"method = 'bdwp'\nbp = 'masked'", {"method bdwp leaves no choice of the weight in BP"}},
      {"nm-for = ['layer4']", {"--nm-for got 'layer4', expected LAYERS=N:M"}},
      {"nm-schedule = '2:8@0.5'", {"--nm-schedule got '2:8@0.5'", "does not rise from 0"}},
      {"method = 'sdgp'\nnm = '2:8x2'", {"method sdgp", "got pattern 2:8x2"}},
      {"method = 'sdgp'\nnm-schedule = 'dense@0,2:8x2@0.5'", {"method sdgp", "got pattern 2:8x2"}},
      {"method = 'sdgp'\nnm-for = ['fc=2:8x4']", {"method sdgp", "got pattern 2:8x4"}},
      {"refresh-masks = 0", {"--refresh-masks got '0'"}},
      {"method = 'sr-ste'\nrefresh-masks = 2", {"--refresh-masks got 2, expected 1 with --sr-ste"}},
      {"nm = '2:0'", {"2:0"}},
      {"method = 'bdpw'", {"'bdpw'", "did you mean 'bdwp'"}},
      {"schedule = 'cosin'", {"did you mean 'cosine'"}},
      {"augment = 'nine'", {"did you mean 'none'"}},
      {"precision = 'fp23'", {"unknown precision 'fp23'", "did you mean 'fp32'"}},
      {"optimizer = 'sdg'", {"unknown optimizer 'sdg'", "did you mean 'sgd'"}},
      {"input = '3x32'", {"--input got '3x32', expected CHANNELSxHEIGHTxWIDTH"}},
      {"input = '3x32x32x2'", {"--input"}},
      {"input = '3x0x32'", {"--input"}},
      {"input = '3x32x32 '", {"--input"}},
      {"input = '3x32x99999999999999999999'", {"--input"}},
      {"nesterov = true\nmomentum = 0", {"--nesterov"}},
      {"nesterov = true\noptimizer = 'adamw'", {"--nesterov got --optimizer adamw, expected sgd"}},
      {"beta1 = 1", {"--beta1 got 1, expected a number from 0 to below 1"}},
      {"beta2 = -0.5", {"--beta2 got '-0.5'"}},
      {"decay = 2e-4", {"line 1", "unknown setting 'decay'; it is called 'sr-ste' now"}},
      {"seed = -1", {"--seed"}},
      {"threads = 5000", {"--threads"}},
      {"threads = -1", {"--threads got '-1', expected a whole number from 1 to 4096, or auto"}},
      {"steps = 'all'", {"--steps got 'all'", "or none"}},
      {"width = 0", {"--width"}},
      {"log-every = 0", {"--log-every"}},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.text));
    const std::string message = message_of<FormatError>([&] { parse_recipe(c.text, "my.toml"); });
    CAPTURE(message);
    CHECK(contains(message, "my.toml"));
    CHECK_FALSE(contains(message, "\n"));
    for (const char* const part : c.expected) CHECK_MESSAGE(contains(message, part), std::string(part));
  }
}

TEST_CASE("warm-up is a share in recipes of earlier versions") {
  CHECK(parse_recipe("warmup = 0.2", "test").warmup == "0.2");
  CHECK(parse_recipe("warmup = 0", "test").learning_rates(100, 10).warmup == 0);
  CHECK(parse_recipe("warmup = 1.0", "test").learning_rates(100, 10).warmup == 100);
  CHECK(parse_recipe("warmup = '2ep'", "test").learning_rates(100, 10).warmup == 20);
}

TEST_CASE("deep nesting does not overflow the stack") {
  std::string text = "place = ";
  for (int i = 0; i < 100'000; ++i) text += '[';
  CHECK_THROWS_AS(parse_recipe(text, "deep.toml"), FormatError);
}

TEST_CASE("values typed at the command line are checked alike") {
  Recipe recipe;
  CHECK_THROWS_AS(find_recipe_field("lr").set(recipe, "0.1x"), UsageError);
  CHECK_THROWS_AS(find_recipe_field("lr").set(recipe, ""), UsageError);
  CHECK_THROWS_AS(find_recipe_field("epochs").set(recipe, "1e2"), UsageError);
  CHECK_THROWS_AS(find_recipe_field("shuffle").set(recipe, "maybe"), UsageError);
  CHECK_THROWS_AS(find_recipe_field("lrr"), UsageError);
  find_recipe_field("lr").set(recipe, "1e-3");
  CHECK(recipe.lr == 1e-3);
}

TEST_CASE("a recipe that cannot be read is named") {
  const TemporaryDirectory directory;
  CHECK(contains(message_of<IoError>([&] { read_recipe(directory / "none.toml"); }), "none.toml"));
  CHECK(contains(message_of<IoError>([&] { read_recipe(directory.path()); }), "no regular file"));
  write_file(directory / "a.toml", "epochs = 4");
  CHECK(read_recipe(directory / "a.toml").epochs == 4);
}

}  // namespace satsuma::train
