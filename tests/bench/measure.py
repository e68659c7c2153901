# SPDX-License-Identifier: MIT
"""What is measured, and measuring it: all ways in turn, again and again, so that each meets the same weather."""

import json
import statistics
import subprocess

BULK_ROWS = {
    "up": "bulk up, 1 stream",
    "down": "bulk down, 1 stream",
    "up4": "bulk up, 4 streams",
    "down4": "bulk down, 4 streams",
}
LATENCY_ROWS = {"connect": "connect + 64 bytes", "pingpong": "ping-pong, 64 bytes"}
ROWS = {**BULK_ROWS, **LATENCY_ROWS}


class Load:
    """The load program: its server, and clients of it."""

    def __init__(self, program):
        self.program = program
        self.server = subprocess.Popen(
            [program, "serve"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.port = int(self.server.stdout.readline())

    def run(self, verb, *args):
        """Runs a client to its end; returns its result."""
        command = [str(self.program), verb, *map(str, args)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def close(self):
        self.server.kill()
        self.server.wait(10)
        self.server.stdout.close()


def run_row(load, route, row, size, count, check=False):
    """One measurement of a row on a way: the client's result and the forwarder's CPU time."""
    before = route.cpu()
    if row in BULK_ROWS:
        streams = 4 if row.endswith("4") else 1
        options = ["--size", size, "--streams", streams] + (["--check"] if check else [])
        result = load.run(row.rstrip("4"), "--port", route.port, *options)
    else:
        result = load.run(row, "--port", route.port, "--count", count)
    return {**result, "cpu_seconds": route.cpu() - before}


def measure(load, routes, rounds, size, count, say):
    """Returns {row: {way: summary}} for a group of ways."""
    samples = {row: {route.name: [] for route in routes} for row in ROWS}
    for row in BULK_ROWS:
        say(f"{ROWS[row]}: checking every byte")
        for route in routes:
            run_row(load, route, row, size // 4, count, check=True)
    for number in range(rounds):
        for row in ROWS:
            say(f"round {number + 1} of {rounds}: {ROWS[row]}")
            for route in routes:
                samples[row][route.name].append(run_row(load, route, row, size, count))
    return {row: {name: summarize(row, found) for name, found in ways.items()} for row, ways in samples.items()}


def summarize(row, samples):
    """Medians, the range, and CPU time per GB over all rounds (one round is too short for the clock's ticks)."""
    if row in LATENCY_ROWS:
        values = [sample["median_us"] for sample in samples]
        worst = statistics.median(sample["p99_us"] for sample in samples)
        return {"us": statistics.median(values), "low": min(values), "high": max(values), "p99_us": worst,
                "samples": samples}
    values = [sample["bytes"] / 1e6 / sample["seconds"] for sample in samples]
    cpu = sum(sample["cpu_seconds"] for sample in samples) / (sum(sample["bytes"] for sample in samples) / 1e9)
    return {"mb_per_s": statistics.median(values), "low": min(values), "high": max(values), "cpu_s_per_gb": cpu,
            "samples": samples}
