"""Times trainings for bench/engine.ts: prints PyTorch's version, then, for each JSON line read, milliseconds.

Eager, one thread, the fastest plain way to write it: data in two tensors, one index per batch, no DataLoader.
"""

import json
import sys
import time

import torch


def train(rows, batch, units, epochs):
    torch.manual_seed(1)
    x = torch.rand(rows, units[0]) * 2 - 1
    y = torch.bucketize(x[:, 0].contiguous(), torch.tensor([-1 / 3, 1 / 3]))
    layers = []
    for inputs, outputs in zip(units[:-1], units[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    started = time.perf_counter()
    for _ in range(epochs):
        order = torch.randperm(rows)
        for at in range(0, rows, batch):
            index = order[at : at + batch]
            loss = torch.nn.functional.cross_entropy(model(x[index]), y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    milliseconds = 1000 * (time.perf_counter() - started)
    return milliseconds if torch.isfinite(loss) else float("nan")


torch.set_num_threads(1)
print(torch.__version__, flush=True)
for line in sys.stdin:
    print(train(**json.loads(line)), flush=True)
