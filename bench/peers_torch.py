"""The same work in PyTorch on the CPU, for bench/peers_torch.ts.

Each request is a line of JSON on standard input, {"kind", "settings", "arrays": [{"name", "type", "shape"}]},
and the arrays' bytes. A job then answers commands, one a line: "time CALLS" with milliseconds, "results" with
a line of JSON, the lengths of arrays of float32, and their bytes; it ends where its input does. Threads are
one or two, whichever is faster.
"""

import json
import math
import sys
import time

import torch
import torch.nn.functional as F

TYPES = {"f32": torch.float32, "i64": torch.int64}


def read_array(described):
    shape = described["shape"]
    count = 1
    for extent in shape:
        count *= extent
    kind = TYPES[described["type"]]
    size = torch.empty(0, dtype=kind).element_size()
    data = bytearray(sys.stdin.buffer.read(count * size))
    return torch.frombuffer(data, dtype=kind).reshape(shape)


def answer(value):
    sys.stdout.buffer.write((json.dumps(value) + "\n").encode())
    sys.stdout.buffer.flush()


class MatrixProduct:
    def __init__(self, settings, arrays):
        self.a, self.b = arrays["a"], arrays["b"]

    def call(self):
        return torch.matmul(self.a, self.b)

    def results(self):
        return [self.call()]


class Update:
    """A decoder of Hugging Face's llama kind, and an update of its parameters with AdamW."""

    def __init__(self, settings, arrays):
        self.settings = settings
        self.tokens, self.targets = arrays.pop("tokens"), arrays.pop("targets")
        self.weights = arrays.pop("weights")
        self.cosines, self.sines = arrays.pop("cosines"), arrays.pop("sines")
        self.mask = arrays.pop("mask")
        self.initial = arrays
        self.reset()

    def reset(self):
        self.parameters = {name: x.clone().requires_grad_() for name, x in self.initial.items()}
        given = self.settings["optimizer"]
        self.optimizer = torch.optim.AdamW(
            self.parameters.values(),
            lr=given["learningRate"],
            betas=(given["beta1"], given["beta2"]),
            eps=given["epsilon"],
            weight_decay=given["weightDecay"],
        )

    def linear(self, name, x):
        return F.linear(x, self.parameters[name + ".weight"], self.parameters.get(name + ".bias"))

    def normalize(self, name, x):
        root = torch.rsqrt(x.square().mean(-1, keepdim=True) + self.settings["epsilon"])
        return x * root * self.parameters[name + ".weight"]

    def heads(self, x, count):
        return x.view(x.shape[0], x.shape[1], count, -1).transpose(1, 2)

    def rotate(self, x):
        first, second = x.chunk(2, -1)
        return x * self.cosines + torch.cat((-second, first), -1) * self.sines

    def attend(self, q, k, v):
        queries, keys = self.settings["queryHeads"], self.settings["keyHeads"]
        q = self.rotate(self.heads(q, queries))
        k = self.rotate(self.heads(k, keys)).repeat_interleave(queries // keys, 1)
        v = self.heads(v, keys).repeat_interleave(queries // keys, 1)
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + self.mask
        return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)

    def loss(self):
        x = F.embedding(self.tokens, self.parameters["model.embed_tokens.weight"])
        for layer in range(self.settings["layers"]):
            name = f"model.layers.{layer}."
            y = self.normalize(name + "input_layernorm", x)
            q, k, v = (self.linear(f"{name}self_attn.{which}_proj", y) for which in "qkv")
            x = x + self.linear(name + "self_attn.o_proj", self.attend(q, k, v))
            y = self.normalize(name + "post_attention_layernorm", x)
            gated = F.silu(self.linear(name + "mlp.gate_proj", y))
            gated = gated * self.linear(name + "mlp.up_proj", y)
            x = x + self.linear(name + "mlp.down_proj", gated)
        # Only what predicts tokens of responses.
        x = self.normalize("model.norm", x[:, -self.targets.shape[1] :])
        output = self.parameters.get("lm_head.weight")
        if output is None:
            output = self.parameters["model.embed_tokens.weight"]
        log_p = F.linear(x, output).log_softmax(-1)
        chosen = log_p.gather(-1, self.targets.unsqueeze(-1)).squeeze(-1)
        return (chosen * self.weights).sum()

    def call(self):
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        # Takes the norm and clips nothing, as the lab's update does.
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), math.inf)
        self.optimizer.step()
        return loss

    def results(self):
        self.reset()
        loss = self.call().reshape(1)
        moments = [self.optimizer.state[x]["exp_avg"] for x in self.parameters.values()]
        results = [loss, *moments, *self.parameters.values()]
        results = [x.detach().clone() for x in results]
        self.reset()
        return results


KINDS = {"matmul": MatrixProduct, "update": Update}


def milliseconds(job, calls):
    start = time.perf_counter()
    for _ in range(calls):
        job.call()
    return 1000 * (time.perf_counter() - start)


def choose_threads(job):
    def best(threads):
        torch.set_num_threads(threads)
        job.call()
        return min(milliseconds(job, 1) for _ in range(5))

    torch.set_num_threads(min((1, 2), key=best))


def serve(job):
    choose_threads(job)
    for line in iter(sys.stdin.buffer.readline, b""):
        command = line.decode().split()
        if command[0] == "time":
            answer(milliseconds(job, int(command[1])))
        else:
            results = [x.contiguous() for x in job.results()]
            answer([x.numel() for x in results])
            for x in results:
                sys.stdout.buffer.write(x.numpy().tobytes())
            sys.stdout.buffer.flush()


def main():
    header = json.loads(sys.stdin.buffer.readline())
    arrays = {described["name"]: read_array(described) for described in header["arrays"]}
    serve(KINDS[header["kind"]](header["settings"], arrays))


main()
