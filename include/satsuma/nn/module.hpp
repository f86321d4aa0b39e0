#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "satsuma/core/rng.hpp"
#include "satsuma/core/tensor.hpp"
#include "satsuma/device/contraction.hpp"

namespace satsuma::nn {

/// A tensor of a module under its dotted name, torchvision's (`layer1.0.conv1.weight`).
struct NamedTensor {
  std::string name;
  Tensor value;
};

/// A tensor that the optimiser changes.
struct Parameter {
  std::string name;
  Tensor value;
  /// Set when the parameter is the weight of a convolution or linear layer: its update goes through the seam.
  std::shared_ptr<Contraction> contraction;
};

/// A function of one tensor with parameters, buffers and children, all named.
class Module {
 public:
  virtual ~Module();
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  virtual Tensor forward(const Tensor& x) = 0;
  /// forward(); a ShapeError from it names the layer it came from (`layer1.0.conv1: [conv2d] got ...`).
  Tensor operator()(const Tensor& x);

  /// Parameters of this module and its children, in order of construction.
  std::vector<Parameter> parameters() const;
  /// Buffers: state that is no parameter (running statistics).
  std::vector<NamedTensor> buffers() const;
  /// The seams of all convolution and linear layers. Each is named by its layer's place in the whole model
  /// (`layer1.0.conv1`), which it is told as the model is put together.
  std::vector<std::shared_ptr<Contraction>> contractions() const;

  /// What this module and its children draw random numbers from, each once: a checkpoint keeps their
  /// positions.
  std::vector<std::shared_ptr<Rng>> generators() const;

  /// Training or evaluation mode, for children too. What freeze() has frozen stays in evaluation mode.
  void train(bool on = true);
  bool training() const { return training_; }

  /// Parameters and buffers, module by module as PyTorch's state_dict; tensors are shared with the module.
  std::vector<NamedTensor> state() const;
  /// Copies `values` in, converting their dtype. Throws FormatError that names the first missing or extra
  /// tensor, or the one whose shape differs, before anything is changed.
  void load_state(const std::map<std::string, Tensor>& values);
  /// What this model makes of the tensor `name` of a model of its kind that was made for something else
  /// (images of another resolution): one that fits. Undefined where it knows nothing of the sort.
  virtual Tensor fitted(const std::string& name, const Tensor& value) const;

  /// Keeps the parameters for whose name `chosen` says true as they are: they require no gradient any more,
  /// so that none is computed. A layer all of whose own parameters are kept runs in evaluation mode whatever
  /// train() says, so that its buffers (running statistics) are kept, too. Returns how many parameters were
  /// chosen.
  std::int64_t freeze(const std::function<bool(const std::string& name)>& chosen);

 protected:
  /// Adds a parameter, which from now on requires a gradient.
  Tensor add_parameter(std::string name, Tensor value);
  /// Adds the weight [K, C / groups, R, S] of a contraction. A linear layer gives it, and shows it, as [K,
  /// C].
  std::shared_ptr<Contraction> add_contraction(std::string name, const Geometry& geometry, Tensor weight);
  Tensor add_buffer(std::string name, Tensor value);
  void add_generator(std::shared_ptr<Rng> rng);
  template <typename M>
  std::shared_ptr<M> add(std::string name, std::shared_ptr<M> child) {
    adopt(std::move(name), child);
    return child;
  }
  /// Runs `f` as operator() runs forward(), for layers that can be called in other ways, too.
  Tensor named(const std::function<Tensor()>& f) const;

 private:
  /// Calls visit(module, prefix) for this module and all below it, parents first; `prefix` ends in a dot.
  void walk(const std::string& prefix,
            const std::function<void(const Module& module, const std::string& prefix)>& visit) const;
  std::int64_t freeze(const std::string& prefix, const std::function<bool(const std::string& name)>& chosen);

  void adopt(std::string name, std::shared_ptr<Module> child);
  /// Dotted name in the whole model; empty at the top.
  std::string path() const;

  std::string name_;          ///< in the parent; empty at the top
  Module* parent_ = nullptr;  ///< null at the top
  std::vector<Parameter> parameters_;
  std::vector<NamedTensor> buffers_;
  std::vector<std::shared_ptr<Rng>> generators_;
  std::vector<std::pair<std::string, std::shared_ptr<Module>>> children_;
  bool training_ = true;
  bool frozen_ = false;  ///< stays in evaluation mode
};

}  // namespace satsuma::nn
