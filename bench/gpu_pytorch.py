"""Times trainings on a CUDA device for bench/gpu.ts: prints PyTorch's version and the device, then, for each JSON line read, milliseconds.

"eager" is the plain way with all data on the device; "graphs" captures one step as a CUDA graph and replays it (the last,
shorter batch is left out there). Several networks are trained at once by batched products (baddbmm) and one Adam over their stacked weights, each with
its own order of visit. Ends without a word where there is no CUDA device.
"""

import json
import sys
import time

import torch

if not torch.cuda.is_available():
    sys.exit(1)
device = torch.device("cuda")
cache = {}


def data(rows, inputs):
    if (rows, inputs) not in cache:
        x = torch.rand(rows, inputs, device=device) * 2 - 1
        edges = torch.tensor([-1 / 3, 1 / 3], device=device)
        cache[rows, inputs] = x, torch.bucketize(x[:, 0].contiguous(), edges)
    return cache[rows, inputs]


def one_network(x, y, units):
    """Parameters, and the loss of a batch of rows."""
    layers = []
    for inputs, outputs in zip(units[:-1], units[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1]).to(device)
    return list(model.parameters()), lambda rows: torch.nn.functional.cross_entropy(model(x[rows]), y[rows])


def many_networks(x, y, units, networks):
    """Parameters of all networks, and the sum of their losses, each of its own batch: rows is [networks, batch]."""
    layers = []
    for inputs, outputs in zip(units[:-1], units[1:]):
        shapes = (networks, inputs, outputs), (networks, 1, outputs)
        layers.append([((torch.rand(shape, device=device) * 2 - 1) / inputs**0.5).requires_grad_() for shape in shapes])

    def loss_of(rows):
        values = x[rows]
        for weight, bias in layers[:-1]:
            values = torch.relu(torch.baddbmm(bias, values, weight))
        logits = torch.baddbmm(layers[-1][1], values, layers[-1][0])
        return networks * torch.nn.functional.cross_entropy(logits.flatten(0, 1), y[rows].flatten())

    return [parameter for layer in layers for parameter in layer], loss_of


def run(kind, rows, batch, units, epochs, networks=1):
    torch.manual_seed(1)
    x, y = data(rows, units[0])
    many = networks > 1
    parameters, loss_of = many_networks(x, y, units, networks) if many else one_network(x, y, units)
    graphs = kind == "graphs"
    optimizer = torch.optim.Adam(parameters, lr=0.001, capturable=graphs)
    index = torch.zeros((networks, batch) if many else batch, dtype=torch.long, device=device)

    def step(rows_of_batch):
        loss = loss_of(rows_of_batch)
        optimizer.zero_grad(set_to_none=not graphs)
        loss.backward()
        optimizer.step()
        return loss

    graph = None
    if graphs:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                step(index)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            loss = step(index)
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(epochs):
        order = torch.rand(networks, rows, device=device).argsort(1) if many else torch.randperm(rows, device=device)
        for at in range(0, rows, batch):
            if graph is None:
                loss = step(order[..., at : at + batch])
            elif at + batch <= rows:
                index.copy_(order[..., at : at + batch])
                graph.replay()
    torch.cuda.synchronize()
    milliseconds = 1000 * (time.perf_counter() - started)
    return milliseconds if torch.isfinite(loss) else float("nan")


print(f"{torch.__version__} on {torch.cuda.get_device_name()}", flush=True)
for line in sys.stdin:
    print(run(**json.loads(line)), flush=True)
