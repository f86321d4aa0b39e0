#include "satsuma/nn/module.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "satsuma/autograd/trace.hpp"
#include "satsuma/core/error.hpp"

namespace satsuma::nn {

namespace {

/// A ShapeError on its way up through the modules, which each put their name in front.
class LayerError : public ShapeError {
 public:
  LayerError(std::string path, std::string detail)
      : ShapeError(fmt::format("{}: {}", path, detail)), path_(std::move(path)), detail_(std::move(detail)) {}

  LayerError inside(const std::string& parent) const {
    return {fmt::format("{}.{}", parent, path_), detail_};
  }

 private:
  std::string path_;
  std::string detail_;
};

}  // namespace

Module::~Module() {
  for (const auto& [name, child] : children_) {
    if (child->parent_ == this) child->parent_ = nullptr;
  }
}

std::string Module::path() const {
  const std::string above = parent_ ? parent_->path() : "";
  return above.empty() ? name_ : fmt::format("{}.{}", above, name_);
}

void Module::adopt(std::string name, std::shared_ptr<Module> child) {
  child->name_ = name;
  child->parent_ = this;
  // Layers may be added to a module before it is part of a model, and after.
  child->walk("", [](const Module& module, const std::string&) {
    for (const Parameter& parameter : module.parameters_) {
      if (parameter.contraction) parameter.contraction->set_name(module.path());
    }
  });
  children_.emplace_back(std::move(name), std::move(child));
}

Tensor Module::named(const std::function<Tensor()>& f) const {
  if (name_.empty()) return f();
  const TraceScope scope(tracing() ? path() : std::string());
  try {
    return f();
  } catch (const LayerError& error) {
    throw error.inside(name_);
  } catch (const ShapeError& error) {
    throw LayerError(name_, error.what());
  }
}

Tensor Module::operator()(const Tensor& x) {
  return named([&] { return forward(x); });
}

void Module::walk(const std::string& prefix,
                  const std::function<void(const Module&, const std::string&)>& visit) const {
  visit(*this, prefix);
  for (const auto& [name, child] : children_) child->walk(prefix + name + ".", visit);
}

std::vector<Parameter> Module::parameters() const {
  std::vector<Parameter> result;
  walk("", [&](const Module& module, const std::string& prefix) {
    for (Parameter parameter : module.parameters_) {
      parameter.name = prefix + parameter.name;
      result.push_back(std::move(parameter));
    }
  });
  return result;
}

std::vector<NamedTensor> Module::buffers() const {
  std::vector<NamedTensor> result;
  walk("", [&](const Module& module, const std::string& prefix) {
    for (const NamedTensor& buffer : module.buffers_) result.push_back({prefix + buffer.name, buffer.value});
  });
  return result;
}

std::vector<std::shared_ptr<Contraction>> Module::contractions() const {
  std::vector<std::shared_ptr<Contraction>> result;
  for (const Parameter& parameter : parameters()) {
    if (parameter.contraction) result.push_back(parameter.contraction);
  }
  return result;
}

std::vector<std::shared_ptr<Rng>> Module::generators() const {
  std::vector<std::shared_ptr<Rng>> result;
  walk("", [&](const Module& module, const std::string&) {
    for (const auto& rng : module.generators_) {
      if (std::find(result.begin(), result.end(), rng) == result.end()) result.push_back(rng);
    }
  });
  return result;
}

void Module::train(bool on) {
  training_ = on && !frozen_;
  for (const auto& [name, child] : children_) child->train(on);
}

Tensor Module::fitted(const std::string&, const Tensor&) const {
  return {};
}

std::int64_t Module::freeze(const std::function<bool(const std::string& name)>& chosen) {
  return freeze("", chosen);
}

std::int64_t Module::freeze(const std::string& prefix,
                            const std::function<bool(const std::string& name)>& chosen) {
  std::int64_t count = 0;
  bool all = !parameters_.empty();
  for (Parameter& parameter : parameters_) {
    if (chosen(prefix + parameter.name)) {
      parameter.value.set_requires_grad(false);
      ++count;
    }
    all = all && !parameter.value.requires_grad();
  }
  if (all) {
    frozen_ = true;
    training_ = false;
  }
  for (const auto& [name, child] : children_) count += child->freeze(prefix + name + ".", chosen);
  return count;
}

std::vector<NamedTensor> Module::state() const {
  std::vector<NamedTensor> result;
  walk("", [&](const Module& module, const std::string& prefix) {
    for (const Parameter& parameter : module.parameters_)
      result.push_back({prefix + parameter.name, parameter.value});
    for (const NamedTensor& buffer : module.buffers_) result.push_back({prefix + buffer.name, buffer.value});
  });
  return result;
}

void Module::load_state(const std::map<std::string, Tensor>& values) {
  std::vector<NamedTensor> own = state();
  std::set<std::string_view> known;
  for (const NamedTensor& tensor : own) {
    known.insert(tensor.name);
    const auto found = values.find(tensor.name);
    if (found == values.end()) {
      throw FormatError(fmt::format("tensor '{}' {} is missing; the weights belong to another model",
                                    tensor.name, to_string(tensor.value.shape())));
    }
    if (!(found->second.shape() == tensor.value.shape())) {
      throw FormatError(fmt::format("tensor '{}' got {}, expected {}; the weights belong to another model",
                                    tensor.name, to_string(found->second.shape()),
                                    to_string(tensor.value.shape())));
    }
  }
  for (const auto& [name, value] : values) {
    if (!known.contains(name)) {
      throw FormatError(
          fmt::format("tensor '{}' {} is not part of the model", name, to_string(value.shape())));
    }
  }
  for (NamedTensor& tensor : own) tensor.value.copy_from(values.at(tensor.name));
}

Tensor Module::add_parameter(std::string name, Tensor value) {
  value.set_requires_grad();
  parameters_.push_back({std::move(name), value, nullptr});
  return value;
}

std::shared_ptr<Contraction> Module::add_contraction(std::string name, const Geometry& geometry,
                                                     Tensor weight) {
  const bool linear = weight.rank() == 2;
  if (linear) weight = weight.to(MemoryFormat::row_major);
  auto contraction = std::make_shared<Contraction>(
      path(), geometry, linear ? weight.reshape_view(geometry.weight_shape("linear")) : weight,
      linear ? "linear" : "conv2d");
  Tensor shown = linear ? weight : contraction->weight();
  shown.set_requires_grad();
  parameters_.push_back({std::move(name), shown, contraction});
  return contraction;
}

void Module::add_generator(std::shared_ptr<Rng> rng) {
  generators_.push_back(std::move(rng));
}

Tensor Module::add_buffer(std::string name, Tensor value) {
  buffers_.push_back({std::move(name), value});
  return value;
}

}  // namespace satsuma::nn
