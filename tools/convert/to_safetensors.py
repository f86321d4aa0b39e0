#!/usr/bin/env python3
"""Turns a file of torch.save() into safetensors, which `satsuma train --init` reads.

    tools/convert/to_safetensors.py resnet34.pth resnet34.safetensors

Needs PyTorch and safetensors. The file is read with weights_only=True: no code in it is run, and what holds other objects
than tensors and plain containers is refused. Dictionaries inside of it go into names with dots, `state_dict.conv1.weight`,
which --init understands; what is no tensor is left out and named. Tensors that share their elements are written as copies.
"""

import argparse
import sys

import torch
from safetensors.torch import save_file


def flattened(value, name=""):
    """Yields (name, value) of everything in nested dictionaries and lists."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flattened(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from flattened(inner, f"{name}.{index}" if name else str(index))
    else:
        yield name, value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="file of torch.save(): a state_dict, or something with one inside")
    parser.add_argument("out", help="safetensors file to write")
    parser.add_argument("--only", metavar="NAME", help="what is below this name alone, under shorter names: state_dict")
    args = parser.parse_args()
    try:
        content = torch.load(args.source, map_location="cpu", weights_only=True)
    except Exception as error:  # of pickle, zip, the file system: one line says it all
        sys.exit(f"{args.source}: cannot be read as weights: {str(error).splitlines()[0]}")
    tensors, left = {}, []
    for name, value in flattened(content):
        if args.only:
            if not name.startswith(args.only + "."):
                continue
            name = name[len(args.only) + 1 :]
        if not isinstance(value, torch.Tensor):
            left.append(name)
        elif name in tensors:
            sys.exit(f"{args.source}: two tensors would be called '{name}'")
        else:
            tensors[name] = value.detach().clone(memory_format=torch.contiguous_format)
    if not tensors:
        sys.exit(f"{args.source}: no tensors{' below ' + args.only if args.only else ''}")
    save_file(tensors, args.out, metadata={"format": "pt"})
    print(f"{args.out}: {len(tensors)} tensors")
    if left:
        print(f"left out, no tensors: {', '.join(left[:12])}{f' and {len(left) - 12} more' if len(left) > 12 else ''}")


if __name__ == "__main__":
    main()
