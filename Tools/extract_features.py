#!/usr/bin/env python3
"""Writes the features of a folder of images to a file that `polyrelu --data FILE.npz` reads.

The folder has one folder of images for each category, as torchvision's ImageFolder expects it:

    images/cat/001.jpg  images/cat/002.jpg  images/dog/001.jpg  ...

Needs torch, torchvision and numpy. Example:

    python3 Tools/extract_features.py images features.npz --backbone resnet152 --center --normalize
    polyrelu data info features.npz --labels parity
    polyrelu train --data features.npz --labels parity --p 3 --out runs/features

The file holds X (samples, dimension), float32: what the last layer of the backbone is given;
y (samples), int64: the number of the category in alphabetical order; and categories: their names,
for people. With --split-by-parity, y is the category modulo 2 and group the category.
"""

import argparse
import os
import sys


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", help="folder with one folder of images a category")
    parser.add_argument("output", help="the .npz file to write")
    parser.add_argument("--backbone", default="resnet18", help="a torchvision classification model")
    parser.add_argument("--weights", default="DEFAULT", help="its weights, by torchvision's name")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps")
    parser.add_argument("--limit", type=int, help="at most so many images of a category")
    parser.add_argument("--center", action="store_true", help="subtract the mean of all features")
    parser.add_argument("--normalize", action="store_true", help="scale every feature to norm 1")
    parser.add_argument(
        "--split-by-parity", action="store_true", help="y is the category modulo 2, group the category"
    )
    result = parser.parse_args()
    if not result.output.endswith(".npz"):
        parser.error(f"output is '{result.output}'; expected a name that ends with .npz")
    if result.batch_size < 1 or (result.limit is not None and result.limit < 1):
        parser.error("--batch-size and --limit must be at least 1")
    return result


def last_linear_layer(model, torch):
    """The layer that turns features into class scores: the last linear layer of the model."""
    layers = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    if not layers:
        sys.exit("error: the backbone has no linear layer; choose a classification model")
    return layers[-1]


def choose(samples, limit):
    """The samples, at most `limit` of a category, in the order of the folder."""
    if limit is None:
        return samples
    taken, result = {}, []
    for path, category in samples:
        taken[category] = taken.get(category, 0) + 1
        if taken[category] <= limit:
            result.append((path, category))
    return result


def features(options, samples, loader, torch, models):
    weights = models.get_model_weights(options.backbone)[options.weights]
    model = models.get_model(options.backbone, weights=weights).eval().to(options.device)
    transform = weights.transforms()
    collected = []
    layer = last_linear_layer(model, torch)
    layer.register_forward_pre_hook(lambda _, inputs: collected.append(inputs[0].flatten(1).cpu()))
    with torch.inference_mode():
        for start in range(0, len(samples), options.batch_size):
            batch = [transform(loader(path)) for path, _ in samples[start : start + options.batch_size]]
            model(torch.stack(batch).to(options.device))
            print(f"\r{start + len(batch)} of {len(samples)} images", end="", file=sys.stderr)
    print(file=sys.stderr)
    return torch.cat(collected).double().numpy()


def main():
    options = arguments()
    try:
        import numpy
        import torch
        from torchvision import models
        from torchvision.datasets import ImageFolder
    except ImportError as error:
        sys.exit(f"error: {error}; expected torch, torchvision and numpy to be installed")
    if options.backbone not in models.list_models(module=models):
        sys.exit(f"error: torchvision has no classification model '{options.backbone}'")
    try:
        folder = ImageFolder(options.images)
    except (FileNotFoundError, OSError) as error:
        sys.exit(f"error: {options.images}: {error}")
    samples = choose(folder.samples, options.limit)
    x = features(options, samples, folder.loader, torch, models)
    if options.center:
        x = x - x.mean(axis=0)
    if options.normalize:
        x = x / numpy.maximum(numpy.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    category = numpy.array([category for _, category in samples], dtype=numpy.int64)
    arrays = {"X": x.astype(numpy.float32), "y": category, "categories": numpy.array(folder.classes)}
    if options.split_by_parity:
        arrays["y"], arrays["group"] = category % 2, category
    # Complete or not at all, as everything that reads it expects.
    temporary = options.output + ".part.npz"
    numpy.savez(temporary, **arrays)
    os.replace(temporary, options.output)
    print(f"{options.output}: {x.shape[0]} samples of dimension {x.shape[1]}", file=sys.stderr)


if __name__ == "__main__":
    main()
