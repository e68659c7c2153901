# SPDX-License-Identifier: MIT
"""Ways that are compared with each other. Each group is a function of a Scene that gives them in their turn."""

from routes import (
    FORWARDING,
    OURS,
    Direct,
    Haproxy,
    HaproxySplice,
    Maker,
    Paramiko,
    Penstock,
    Socat,
    SshForward,
    Starter,
    ssh_command,
    write_profile,
)

CIPHER = "aes128-gcm@openssh.com"
SAME_CIPHER = [f"Ciphers {CIPHER}"]
ROUND_TRIP_MS = 40
OURS_LOCAL = "penstock local"


def forwarder(scene, keys, far=None, name=OURS):
    """penstock in front of the load server."""
    return Penstock(scene.build, scene.load.port, scene.tmp, {**keys, **FORWARDING, **scene.more_keys}, far, name)


def solver_keys(scene, solver, keys):
    """A profile that finds the solver running, and could have launched it."""
    return {**keys, "root": solver.root, **scene.more_keys}


def local(scene):
    port = scene.load.port
    peers = [scene.add(make(port, scene.tmp)) for make in (Socat, Haproxy, HaproxySplice)]
    return [Direct(port), *peers, scene.add(forwarder(scene, {"transport": "local"}))]


def ssh(scene):
    """The same cipher for both."""
    far, ours = scene.far("ssh", SAME_CIPHER), scene.far("ours", SAME_CIPHER)
    return [
        scene.add(SshForward(scene.load.port, scene.tmp, far, CIPHER)),
        scene.add(forwarder(scene, ours.profile(), ours)),
    ]


def ahead(scene):
    """As a profile for a solver has it: two streams are opened ahead of need."""
    far, ours = scene.far("ssh", SAME_CIPHER), scene.far("ours", SAME_CIPHER)
    return [
        scene.add(SshForward(scene.load.port, scene.tmp, far, CIPHER)),
        scene.add(forwarder(scene, {**ours.profile(), "prewarm": 2}, ours)),
    ]


def defaults(scene):
    """As they are, both sides: each chooses its cipher."""
    return _with_paramiko(scene, 0)


def long_way(scene):
    return _with_paramiko(scene, ROUND_TRIP_MS, SAME_CIPHER)


def _with_paramiko(scene, round_trip_ms, config=()):
    """paramiko knows no AES-GCM, so its server is as it is."""
    port, tmp = scene.load.port, scene.tmp
    far = scene.far("ssh", config, round_trip_ms)
    its = scene.far("paramiko", (), round_trip_ms)
    ours = scene.far("ours", config, round_trip_ms)
    return [
        scene.add(SshForward(port, tmp, far)),
        scene.add(Paramiko(port, tmp, its)),
        scene.add(forwarder(scene, ours.profile(), ours)),
    ]


def poll_far(scene):
    """A solver behind the long way. Ours is a profile for a solver: what penstock does for one, it does here."""
    solver = scene.solver("solver")
    far, its = (scene.far(name, (), ROUND_TRIP_MS) for name in ("ssh", "paramiko"))
    ours = scene.far("ours", (), ROUND_TRIP_MS)
    keys = solver_keys(scene, solver, ours.profile())
    return [
        scene.add(SshForward(solver.port, scene.tmp, far)),
        scene.add(Paramiko(solver.port, scene.tmp, its)),
        scene.add(Penstock(scene.build, solver.port, scene.tmp, keys, ours)),
    ]


def start(scene):
    solver = scene.solver("solver")
    far, ours = scene.far("ssh", SAME_CIPHER), scene.far("ours", SAME_CIPHER)
    environment = scene.build.environment()

    def start_ssh(port):
        return ssh_command(far, f"127.0.0.1:{port}:127.0.0.1:{solver.port}", CIPHER), environment

    def start_ours(port):
        keys = solver_keys(scene, solver, ours.profile())
        config = write_profile("start", solver.port, scene.tmp, keys, f"127.0.0.1:{port}")
        return [str(scene.build.binary), "up", "bench", "--config", str(config)], environment

    return [Starter("ssh -L", start_ssh), Starter(OURS, start_ours)]


def idle_local(scene):
    return [
        Maker("haproxy", lambda: Haproxy(scene.load.port, scene.tmp)),
        Maker(OURS, lambda: forwarder(scene, {"transport": "local"})),
    ]


def idle_ssh(scene):
    far, ours = scene.far("ssh", SAME_CIPHER), scene.far("ours", SAME_CIPHER)
    return [
        Maker("ssh -L", lambda: SshForward(scene.load.port, scene.tmp, far, CIPHER)),
        Maker(OURS, lambda: forwarder(scene, ours.profile(lanes=1), ours)),
    ]


def quiet(scene):
    solver = scene.solver("solver")
    far, ours = scene.far("ssh"), scene.far("ours")
    port, tmp = solver.port, scene.tmp
    here, there = (solver_keys(scene, solver, keys) for keys in ({"transport": "local"}, ours.profile()))
    return [
        scene.add(SshForward(port, tmp, far)),
        scene.add(Penstock(scene.build, port, tmp, here, None, OURS_LOCAL)),
        scene.add(Penstock(scene.build, port, tmp, there, ours)),
    ]


def lanes(scene):
    return _by_lanes(scene, 0)


def lanes_far(scene):
    return _by_lanes(scene, ROUND_TRIP_MS)


def _by_lanes(scene, round_trip_ms):
    """What more SSH sessions bring."""
    ways = []
    for count in (1, 2, 4):
        far = scene.far(f"lanes{count}", SAME_CIPHER, round_trip_ms)
        name = "1 lane" if count == 1 else f"{count} lanes"
        ways.append(scene.add(forwarder(scene, far.profile(lanes=count), far, name)))
    return ways
