"""Writes fixtures/pytorch/*.json: what PyTorch does from the same weights, data, batch order and dropout masks.

Run from the repository root, with Debian's python3-torch (1.13) or any later PyTorch:

    OPENBLAS_NUM_THREADS=1 /usr/bin/python3 bench/pytorch/make_fixtures.py

Inputs are not stored. Both sides make them from one integer hash, `mix` below (C. Wellons' lowbias32), so that weights,
data, order and masks are equal to the last bit. What is stored: losses per step, the gradients of the first step, the
weights after the last step, and learning rates.
"""

import base64
import json
import math
import platform
from pathlib import Path

import numpy as np
import torch

OUT = Path(__file__).resolve().parents[2] / "fixtures" / "pytorch"
STEPS = 50


def mix(x):
    """lowbias32 of uint32 values."""
    x = np.asarray(x, dtype=np.uint64)
    x = x ^ (x >> np.uint64(16))
    x = (x * np.uint64(0x7FEB352D)) & np.uint64(0xFFFFFFFF)
    x = x ^ (x >> np.uint64(15))
    x = (x * np.uint64(0x846CA68B)) & np.uint64(0xFFFFFFFF)
    return x ^ (x >> np.uint64(16))


def uniform(stream, count):
    """[count] numbers in [0, 1), float64: mix(mix(stream) ^ index) / 2^32."""
    key = mix(stream)
    return mix(key ^ np.arange(count, dtype=np.uint64)).astype(np.float64) / 2**32


# Streams of the hash. Layer l's weight, bias and mask streams follow their base by l.
WEIGHT, BIAS, FEATURE, ORDER, MASK = 100, 200, 300, 400, 1000


def initial_weights(sizes):
    """PyTorch's range, the hash's numbers: [outputs, inputs] and [outputs] per layer, float32."""
    layers = []
    for l, (inputs, outputs) in enumerate(zip(sizes[:-1], sizes[1:])):
        bound = 1 / math.sqrt(inputs)
        weight = (2 * uniform(WEIGHT + l, outputs * inputs) - 1) * bound
        bias = (2 * uniform(BIAS + l, outputs) - 1) * bound
        layers.append((weight.astype(np.float32).reshape(outputs, inputs), bias.astype(np.float32)))
    return layers


def make_data(rows, columns):
    """Features uniform in -1..1; the class is 0, 1, 2 by thirds of the first feature."""
    features = (2 * uniform(FEATURE, rows * columns) - 1).astype(np.float32).reshape(rows, columns)
    first = features[:, 0].astype(np.float64)
    labels = np.where(first < -1 / 3, 0, np.where(first < 1 / 3, 1, 2))
    return features, labels


def make_order(rows):
    """Rows sorted by their hash, ties by index."""
    return np.argsort(uniform(ORDER, rows), kind="stable")


def make_mask(step, layer, rows, units, dropout):
    """[rows, units] of 0 and 1: 1 where the hash is at least the dropout probability."""
    keep = uniform(MASK + 100 * step + layer, rows * units) >= dropout
    return keep.astype(np.float32).reshape(rows, units)


ACTIVATIONS = {
    "relu": torch.relu,
    "leaky_relu": lambda z: torch.nn.functional.leaky_relu(z, 0.01),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


def make_optimizer(spec, parameters, rate):
    kind, decay = spec["type"], spec["weightDecay"]
    if kind in ("adam", "adamw"):
        make = torch.optim.Adam if kind == "adam" else torch.optim.AdamW
        betas = (spec["beta1"], spec["beta2"])
        return make(parameters, lr=rate, betas=betas, eps=spec["epsilon"], weight_decay=decay)
    if kind == "sgd":
        return torch.optim.SGD(parameters, lr=rate, momentum=spec["momentum"], weight_decay=decay)
    return torch.optim.RMSprop(
        parameters, lr=rate, alpha=spec["alpha"], eps=spec["epsilon"], weight_decay=decay
    )


def loss_of(logits, labels, spec):
    weights = None if spec["classWeights"] is None else torch.tensor(spec["classWeights"])
    if spec["loss"]["type"] == "cross_entropy":
        return torch.nn.functional.cross_entropy(logits, labels, weight=weights)
    # PyTorch has no focal loss for several classes: its definition, the gradient by autograd.
    log_p = torch.log_softmax(logits, dim=1).gather(1, labels[:, None])[:, 0]
    each = -((1 - log_p.exp()) ** spec["loss"]["gamma"]) * log_p
    w = torch.ones_like(each) if weights is None else weights[labels]
    return (w * each).sum() / w.sum()


def base64_float32(arrays):
    """Little-endian float32, one after the other, as base64."""
    flat = np.concatenate([np.asarray(a, dtype="<f4").ravel() for a in arrays])
    return base64.b64encode(flat.tobytes()).decode("ascii")


def train(case):
    """Runs one case; returns what the tests compare."""
    spec, rows, batch = case["spec"], case["rows"], case["batchSize"]
    sizes = [spec["inputs"], *spec["hidden"], spec["outputs"]]
    layers = [
        (torch.tensor(w, requires_grad=True), torch.tensor(b, requires_grad=True))
        for w, b in initial_weights(sizes)
    ]
    parameters = [p for layer in layers for p in layer]
    features, labels = make_data(rows, spec["inputs"])
    order = make_order(rows)
    optimizer = make_optimizer(spec["optimizer"], parameters, case["learningRate"])
    activation = ACTIVATIONS[spec["activation"]]
    losses, gradients = [], None
    for step in range(STEPS):
        at = step % math.ceil(rows / batch) * batch
        index = order[at : at + batch]
        x = torch.tensor(features[index])
        y = torch.tensor(labels[index])
        for l, (weight, bias) in enumerate(layers):
            x = torch.nn.functional.linear(x, weight, bias)
            if l == len(layers) - 1:
                break
            x = activation(x)
            if spec["dropout"] > 0:
                mask = make_mask(step, l, len(index), spec["hidden"][l], spec["dropout"])
                x = x * (torch.tensor(mask) / (1 - spec["dropout"]))
        loss = loss_of(x, y, spec)
        optimizer.zero_grad()
        loss.backward()
        if spec["gradientClip"] > 0:
            torch.nn.utils.clip_grad_norm_(parameters, spec["gradientClip"])
        if step == 0:
            gradients = base64_float32([p.grad.numpy() for p in parameters])
        optimizer.step()
        losses.append(float(loss.detach()))
    final = base64_float32([p.detach().numpy() for p in parameters])
    return {**case, "losses": losses, "firstGradients": gradients, "finalWeights": final}


ADAM = {"type": "adam", "weightDecay": 1e-4, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
ADAMW = {**ADAM, "type": "adamw", "weightDecay": 0.01}
SGD = {"type": "sgd", "weightDecay": 1e-4, "momentum": 0.9}
PLAIN_SGD = {"type": "sgd", "weightDecay": 0, "momentum": 0}
RMSPROP = {"type": "rmsprop", "weightDecay": 1e-4, "alpha": 0.99, "epsilon": 1e-8}
CROSS_ENTROPY = {"type": "cross_entropy"}


def case(name, inputs=6, hidden=(8, 5), rows=320, batch=32, rate=0.001, **changes):
    spec = {
        "inputs": inputs,
        "hidden": list(hidden),
        "outputs": 3,
        "activation": "relu",
        "dropout": 0,
        "optimizer": ADAM,
        "loss": CROSS_ENTROPY,
        "gradientClip": 0,
        "classWeights": None,
        **changes,
    }
    return {"name": name, "rows": rows, "batchSize": batch, "learningRate": rate, "spec": spec}


def cases():
    for activation in ACTIVATIONS:
        for name, optimizer, rate in [
            ("adam", ADAM, 0.003),
            ("adamw", ADAMW, 0.003),
            ("sgd", SGD, 0.02),
            ("plain sgd", PLAIN_SGD, 0.1),
            ("rmsprop", RMSPROP, 0.002),
        ]:
            yield case(f"{activation}, {name}", activation=activation, optimizer=optimizer, rate=rate)
        yield case(f"{activation}, dropout 0.3", activation=activation, dropout=0.3)
    yield case("no hidden layer", hidden=())
    yield case("one layer of 7", hidden=(7,), inputs=5)
    yield case("last batch shorter", rows=300)
    yield case("class weights", classWeights=[0.5, 1.0, 2.5])
    yield case("focal, gamma 2", loss={"type": "focal", "gamma": 2})
    yield case("focal, gamma 0.5, class weights", loss={"type": "focal", "gamma": 0.5}, classWeights=[0.5, 1.0, 2.5])
    yield case("focal, gamma 0", loss={"type": "focal", "gamma": 0})
    yield case("clipping that acts", gradientClip=0.05, optimizer=SGD, rate=0.02)
    yield case("clipping that does not act", gradientClip=1000, optimizer=SGD, rate=0.02)
    yield case("everything at once", gradientClip=0.1, dropout=0.2, activation="tanh", optimizer=ADAMW,
               classWeights=[0.5, 1.0, 2.5], loss={"type": "focal", "gamma": 2})
    yield case("W1", inputs=12, hidden=(32, 16), rows=2500)
    yield case("W1, dropout 0.2", inputs=12, hidden=(32, 16), rows=2500, dropout=0.2)
    yield case("W2", inputs=60, hidden=(64, 32), rows=10000)
    yield case("W2, sgd, tanh", inputs=60, hidden=(64, 32), rows=10000, activation="tanh", optimizer=SGD, rate=0.02)


def schedules():
    """Learning rates of 60 epochs, and what ReduceLROnPlateau makes of losses that fall, stall, and rise."""
    losses = [round(1 / (1 + 0.2 * min(e, 12)) + 0.02 * float(uniform(7, 60)[e]), 6) for e in range(60)]
    S = torch.optim.lr_scheduler
    specs = [
        ({"type": "step", "stepSize": 30, "gamma": 0.1}, lambda o: S.StepLR(o, 30, 0.1)),
        ({"type": "step", "stepSize": 7, "gamma": 0.5}, lambda o: S.StepLR(o, 7, 0.5)),
        ({"type": "exponential", "gamma": 0.95}, lambda o: S.ExponentialLR(o, 0.95)),
        ({"type": "cosine", "period": 60, "minRate": 0}, lambda o: S.CosineAnnealingLR(o, 60)),
        ({"type": "cosine", "period": 25, "minRate": 0.0005}, lambda o: S.CosineAnnealingLR(o, 25, 0.0005)),
    ]
    for factor, patience, threshold, cooldown, floor in [
        (0.5, 5, 1e-4, 0, 0), (0.5, 2, 1e-4, 3, 0), (0.3, 1, 0.05, 0, 0.0002), (0.1, 0, 1e-4, 0, 0),
    ]:
        spec = {"type": "reduce_on_plateau", "factor": factor, "patience": patience, "threshold": threshold,
                "cooldown": cooldown, "minRate": floor}
        specs.append((spec, lambda o, s=spec: S.ReduceLROnPlateau(
            o, factor=s["factor"], patience=s["patience"], threshold=s["threshold"],
            cooldown=s["cooldown"], min_lr=s["minRate"])))
    for spec, make in specs:
        parameter = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([parameter], lr=0.01)
        scheduler = make(optimizer)
        rates = []
        for loss in losses:
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step(loss) if spec["type"] == "reduce_on_plateau" else scheduler.step()
        yield {"spec": spec, "learningRate": 0.01, "losses": losses, "rates": rates}


def write(name, content):
    source = {
        "command": "OPENBLAS_NUM_THREADS=1 /usr/bin/python3 bench/pytorch/make_fixtures.py",
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    lines = ",\n".join(json.dumps(item) for item in content)
    (OUT / name).write_text(f'{{"source": {json.dumps(source)},\n"cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    write("training.json", [train(c) for c in cases()])
    write("schedules.json", schedules())
