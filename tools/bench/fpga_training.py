"""Other FPGA accelerators that train, as published, and SAT's ratios to them: the last table of arXiv 2309.13015.

Every number was read where its source says; None is a number that could not be read there, not one that does not
exist. Quotients of two such numbers are marked as derived. Nothing here comes from memory or from a plot.
"""

from dataclasses import dataclass

THROUGHPUT = (2.97, 25.22)  # published, SAT over other FPGA accelerators
EFFICIENCY = (1.36, 3.58)


@dataclass
class Result:
    """Training `network`: throughput in GOPS, power in W, efficiency in GOPS/W; `like` is the network that SAT is simulated on."""

    network: str = None
    gops: float = None
    gops_per_watt: float = None
    watts: float = None
    like: str = None


@dataclass
class Design:
    name: str
    year: int
    device: str
    precision: str
    results: list
    source: str  # title, venue, identifier, and what of it was read
    otherwise: str = None  # what the source states instead of the numbers that are missing


RESNET_18 = "ResNet-18, Tiny ImageNet"
RESNET_20 = "ResNet-20, CIFAR-10"
VGG_19 = "VGG-19, CIFAR-100"

DESIGNS = [
    Design("F-CNN", 2016, None, "32-bit floating point", [Result("not said; LeNet-5 elsewhere", 62.06, watts=27.3, like=RESNET_18)],
           "F-CNN: An FPGA-based framework for training Convolutional Neural Networks, ASAP 2016, "
           "[doi:10.1109/ASAP.2016.7760779](https://doi.org/10.1109/ASAP.2016.7760779), abstract. The power is second-hand, from "
           "[slides on CNNECST](https://de.slideshare.net/necstlab/cnnecst-an-fpgabased-approach-for-the-hardware-acceleration-of-convolutional-neural-networks-77836024) "
           "of 2017 that quote this paper. Throughput is that of its modules, power that of training LeNet-5, so they give no GOPS/W",
           "LeNet-5: 7.5 times as energy efficient as a GPU; \"Maxeler technology\""),
    Design("processor for training", 2017, "ZU19EG", None, [Result()],
           "An FPGA-based processor for training convolutional neural networks, FPT 2017, "
           "[doi:10.1109/FPT.2017.8280142](https://doi.org/10.1109/FPT.2017.8280142), abstract",
           "5.7 to 10.7 times as fast as a Core i5-4440, at 200 MHz"),
    Design("FCTE", 2017, "XCKU115", "float of 6 + 5 bits", [Result("MNIST, CIFAR-10")],
           "FPGA-based training of convolutional neural networks with a reduced precision floating-point library, FPT 2017, "
           "[doi:10.1109/FPT.2017.8280150](https://doi.org/10.1109/FPT.2017.8280150), abstract",
           "LUTs saved: 32.6 % of the multipliers', 21.7 % of the adders'"),
    Design("FPDeep", 2019, "cluster of FPGAs", None, [Result("AlexNet, VGG-16, VGG-19")],
           "FPDeep: Scalable Acceleration of CNN Training on Deeply-Pipelined FPGA Clusters, "
           "[arXiv 1901.01007](https://arxiv.org/abs/1901.01007), abstract up to its last sentence; the ratio to the K80 from the abstract of "
           "another paper on FPDeep, [OpenAlex W2890068895](https://openalex.org/W2890068895)",
           "linear up to 100 FPGAs; up to 3.4 times the GOPS/J of a Tesla K80"),
    Design("automatic compiler", 2019, "Stratix 10 GX", "16-bit fixed point", [Result("CNNs for CIFAR-10", 479, like=VGG_19)],
           "Automatic Compiler Based FPGA Accelerator for CNN Training, FPL 2019, [doi:10.1109/FPL.2019.00034](https://doi.org/10.1109/FPL.2019.00034), "
           "[arXiv 1908.06724](https://arxiv.org/abs/1908.06724), abstract (\"up to\")"),
    Design("sparse fine-tuning", 2019, "VC1525", None, [Result()],
           "FPGA-Based Training Accelerator Utilizing Sparseness of Convolutional Neural Network, FPL 2019, "
           "[doi:10.1109/FPL.2019.00036](https://doi.org/10.1109/FPL.2019.00036), abstract",
           "4 times as fast as an RTX 2080 Ti at 1/2.9 of its power, 85 % of the parameters pruned"),
    Design("FeCaffe", 2019, "Stratix 10", None, [Result("LeNet")],
           "FeCaffe: FPGA-enabled Caffe with OpenCL for Deep Learning Training and Inference on Intel Stratix 10, "
           "[arXiv 1911.08905](https://arxiv.org/abs/1911.08905), abstract",
           "6.4 (forward) and 8.4 (backward) times as fast as earlier work"),
    Design("bfloat MLP", 2019, "\"mid-range FPGA\"", "bfloat16, bfloat14", [Result("perceptron", 5000, like=RESNET_18)],
           "BFLOAT MLP Training Accelerator for FPGAs, ReConFig 2019, "
           "[doi:10.1109/ReConFig48160.2019.8994798](https://doi.org/10.1109/ReConFig48160.2019.8994798), abstract (\"5 Tflops\")",
           "over 90 % of its peak"),
    Design("DarkFPGA", 2020, "Maxeler MAX5", "8-bit integers", [Result("VGG-like, CIFAR")],
           "Towards efficient deep neural network training by FPGA-based batch-level parallelism, J. Semicond. 41(2) 022403, "
           "[doi:10.1088/1674-4926/41/2/022403](https://doi.org/10.1088/1674-4926/41/2/022403), abstract",
           "10 times as fast as a CPU, a third of a GPU's energy"),
    Design("reconfigurable PEs", 2020, "VC706", None, [Result("ResNet-20, CIFAR-10", 421, 43.18, like=RESNET_20)],
           "A Reconfigurable DNN Training Accelerator on FPGA, SiPS 2020, "
           "[doi:10.1109/SiPS50750.2020.9195234](https://doi.org/10.1109/SiPS50750.2020.9195234), abstract"),
    Design("HBM2 at batch 2", 2020, "Stratix 10 MX", None, [Result("ResNet-20 and VGG-like, CIFAR-10")],
           "FPGA-based Low-Batch Training Accelerator for Modern CNNs Featuring High Bandwidth Memory, ICCAD 2020, article 9256704, abstract",
           "4.5 and 9.7 times as energy efficient as a V100"),
    Design("low-bit PEs", 2021, None, "8-bit integers", [Result(None, 771, 47.38, like=RESNET_18)],
           "An FPGA-Based Reconfigurable Accelerator for Low-Bit DNN Training, ISVLSI 2021, pages 254 to 259, abstract"),
    Design("single engine", 2021, "XC7Z045", "8-bit fixed point", [Result("VGG-like, CIFAR-10", 64.6, like=VGG_19)],
           "A FPGA-based convolutional neural network training accelerator, "
           "[jns.nju.edu.cn, 0469-5097/1362](https://jns.nju.edu.cn/EN/abstract/article/0469-5097/1362), 2021, abstract",
           "17.96 times as energy efficient as a Tesla K40C"),
    Design("EF-Train", 2022, "ZCU102", None, [Result(None, 46.99, 6.09, like=RESNET_18)],
           "EF-Train: Enable Efficient On-device CNN Training on FPGA Through Data Reshaping for Online Adaptation or Personalization, "
           "ACM TODAES 27(5), [arXiv 2202.10935](https://arxiv.org/abs/2202.10935), abstract (GFLOPS); the board from "
           "[its code](https://github.com/tangyuelm/EF-Train)"),
    Design("ETA", 2022, "VC709", "8-bit",
           [Result("VGG-16, CIFAR", 610.98, like=VGG_19), Result("ResNet-20, CIFAR", 658.64, like=RESNET_20),
            Result("ResNet-18", 811.24, like=RESNET_18)],
           "ETA: An Efficient Training Accelerator for DNNs Based on Hardware-Algorithm Co-Optimization, IEEE TNNLS 34(10), "
           "[doi:10.1109/TNNLS.2022.3145850](https://doi.org/10.1109/TNNLS.2022.3145850), abstract",
           "8.54 times as energy efficient as earlier work on ResNet-20"),
    Design("BOOST", 2023, None, "8-bit block minifloat",
           [Result("ResNet-20, CIFAR-10 or SVHN", 131, like=RESNET_20), Result("VGG-like, CIFAR-10 or SVHN", 209, like=VGG_19)],
           "BOOST: Block Minifloat-Based On-Device CNN Training Accelerator with Transfer Learning, ICCAD 2023, "
           "[doi:10.1109/ICCAD57390.2023.10323638](https://doi.org/10.1109/ICCAD57390.2023.10323638), abstract; later than SAT"),
    Design("SAT", 2023, "VCU1525", None, [Result("the five above")],
           "Efficient N:M Sparse DNN Training Using Algorithm, Architecture, and Dataflow Co-Design, "
           "[arXiv 2309.13015](https://arxiv.org/abs/2309.13015), abstract",
           f"{THROUGHPUT[0]} to {THROUGHPUT[1]} times the throughput and {EFFICIENCY[0]} to {EFFICIENCY[1]} times the energy efficiency of others"),
]


def text(value):
    return "not found" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def power(result):
    if result.watts is None and result.gops and result.gops_per_watt:
        return f"{result.gops / result.gops_per_watt:.1f} (derived)"
    return text(result.watts)


def published_rows():
    """Columns: design and number of its source, year, device, precision, network, GOPS, W, GOPS/W, what is stated instead."""
    for number, design in enumerate(DESIGNS, 1):
        for i, result in enumerate(design.results):
            yield [f"{design.name} [{number}]", str(design.year), text(design.device), text(design.precision), text(result.network),
                   text(result.gops), power(result), text(result.gops_per_watt), design.otherwise or "" if i == 0 else ""]


def sources():
    return "\n".join(f"{number}. {design.source}." for number, design in enumerate(DESIGNS, 1))


def measured():
    """(design, result) wherever a throughput could be read."""
    return [(design, result) for design in DESIGNS for result in design.results if result.gops]
