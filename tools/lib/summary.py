"""Prints what tools/quickstart has reached: summary.py RUN SATSUMA SECONDS."""

import json
import re
import sys
from pathlib import Path


def duration(seconds):
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def main():
    run, satsuma, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    training = json.loads((run / "result.json").read_text())
    test = json.loads((run / "eval.json").read_text())
    sparse = training["method"] if training["method"] == "dense" else f"{training['method'].upper()} {training['nm']}"
    model, data = training["model"], training["data"]
    width = re.search(r"^width = (\S+)", (run / "config.toml").read_text(), re.MULTILINE)[1]
    print(f"""
Satsuma has trained {model} on {data} with {sparse}.

  test accuracy    {100 * test['top1']:.2f} % of {test['count']} images
  training speed   {training['images_per_second']:.0f} images/s, {duration(training['seconds'])} for {training['steps']} steps
  multiply-adds    {100 * training['saving']:.1f} % fewer than dense training
  written to       {run}/ (best.safetensors, log.jsonl, config.toml)
  all of this took {duration(seconds)}

What to try next:
  {satsuma} info --model {model} --width {width} --input 1x32x32 --method bdwp --nm 2:8
      what is sparse, layer by layer, and what it saves
  {satsuma} bench step --model resnet18 --methods dense,bdwp
      dense against sparse training steps
  {satsuma} train --config {run}/config.toml --method dense --out runs/dense
  {satsuma} report {run} runs/dense
      the same run dense, and a page that shows both""")


main()
