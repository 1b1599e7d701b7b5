"""Times trainings for bench/engine.ts: prints PyTorch's version, then, for each JSON line read, milliseconds.

One thread. "eager" is the fastest plain way to write a training: data in two tensors, one index per batch; "loader" uses
DataLoader with shuffle, as most programs do; "forward" is a pass over all rows without gradients.
"""

import json
import sys
import time

import torch

cache = {}


def data(rows, inputs):
    if (rows, inputs) not in cache:
        x = torch.rand(rows, inputs) * 2 - 1
        cache[rows, inputs] = x, torch.bucketize(x[:, 0].contiguous(), torch.tensor([-1 / 3, 1 / 3]))
    return cache[rows, inputs]


def run(kind, rows, batch, units, epochs):
    torch.manual_seed(1)
    x, y = data(rows, units[0])
    layers = []
    for inputs, outputs in zip(units[:-1], units[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    if kind == "forward":
        with torch.no_grad():
            started = time.perf_counter()
            result = torch.softmax(model(x), 1)
            return 1000 * (time.perf_counter() - started) if torch.isfinite(result).all() else float("nan")
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)

    def step(inputs, labels):
        loss = torch.nn.functional.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=batch, shuffle=True)
    started = time.perf_counter()
    for _ in range(epochs):
        if kind == "loader":
            for inputs, labels in loader:
                loss = step(inputs, labels)
        else:
            order = torch.randperm(rows)
            for at in range(0, rows, batch):
                index = order[at : at + batch]
                loss = step(x[index], y[index])
    milliseconds = 1000 * (time.perf_counter() - started)
    return milliseconds if torch.isfinite(loss) else float("nan")


def product_rate():
    """GFLOP/s of a matrix product: tells a PyTorch with a fast BLAS from one with the reference BLAS."""
    a = torch.rand(512, 512)
    best = float("inf")
    for _ in range(10):
        started = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - started)
    return 2 * 512**3 / best / 1e9


torch.set_num_threads(1)
print(f"{torch.__version__}, products at {product_rate():.0f} GFLOP/s", flush=True)
for line in sys.stdin:
    print(run(**json.loads(line)), flush=True)
