"""torchvision's ImageFolder with PyTorch's DataLoader, driven through pipes by `satsuma bench loader --peer pytorch`.

    torch_loader.py '{"folder": "pictures/train", "images": 1024, "image_size": 224, "batch_size": 64, "workers": 2}'

Reads the number of epochs to run from standard input, one a line, and answers each with one line of JSON. An epoch is the
first `images` pictures, shuffled, in whole batches: RandomResizedCrop, RandomHorizontalFlip, ToTensor, Normalize. Workers stay
from epoch to epoch, and have nothing to do between two.
"""

import json
import resource
import sys
import time

import torch
import torchvision
from torchvision import transforms


def main():
    config = json.loads(sys.argv[1])
    torch.set_num_threads(1)
    steps = [
        transforms.RandomResizedCrop(config["image_size"]),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
    folder = torchvision.datasets.ImageFolder(config["folder"], transforms.Compose(steps))
    pictures = torch.utils.data.Subset(folder, range(min(config["images"], len(folder))))
    loader = torch.utils.data.DataLoader(
        pictures,
        batch_size=config["batch_size"],
        shuffle=True,
        drop_last=True,
        num_workers=config["workers"],
        persistent_workers=True,
    )
    print(json.dumps({"torch": torch.__version__, "torchvision": torchvision.__version__}), flush=True)
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            for _ in loader:
                pass
            seconds.append(time.perf_counter() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": seconds, "peak_memory_bytes": peak}), flush=True)


if __name__ == "__main__":
    main()
