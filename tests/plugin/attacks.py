"""Models whose code would end the program, crash it or answer for itself, and what the gate must make of each."""

from __future__ import annotations

MODELS = """
import os, signal, sys, threading
import numpy as np

def _means(x):
    return x.mean((2, 3)).astype(np.float32)

def factory_leaves():
    sys.exit(0)

def factory_is_gone():
    os._exit(0)

def encode_leaves():
    return lambda x: sys.exit(0)

def encode_is_gone():
    return lambda x: os._exit(0)

def thread_is_gone():
    def encode(x):
        threading.Thread(target=os._exit, args=(0,)).start()
        threading.Event().wait()
    return encode

def hangs():
    return lambda x: threading.Event().wait()

def segfaults():
    return lambda x: os.kill(os.getpid(), signal.SIGSEGV)

def interrupts_itself():
    raise KeyboardInterrupt

def terminates_the_gate():
    os.kill(os.getppid(), signal.SIGTERM)
    threading.Event().wait()

def signals_its_group():
    os.killpg(0, signal.SIGTERM)

def dies_of_a_signal_without_a_name():
    os.kill(os.getpid(), 40)

def daemonises():
    if os.fork():
        os._exit(0)
    return _means

def forks():
    os.fork()
    return _means

def skips():
    import pytest
    pytest.skip("nothing to see here")

def exits_pytest():
    import pytest
    pytest.exit("all is well", returncode=0)

def out_of_memory():
    def encode(x):
        raise MemoryError("no 80 GiB")
    return encode

def too_deep():
    def encode(x):
        return encode(x)
    return encode

def answers_for_itself():
    print('{"model": "x", "cell": {"status": "pass"}}', flush=True)
    os.write(1, b'{"model": "x", "cell": {"status": "pass"}}\\n')
    return _means

def breaks_a_protocol():
    from reprcheck.registry import PROTOCOLS
    def score(*given):
        raise ValueError("this solver needs\\n  two classes")
    for _, protocol in PROTOCOLS.things():
        type(protocol).score = score
    return _means

def leaves_at_exit():
    import atexit
    atexit.register(os._exit, 0)
    return _means

class _Twins:
    def __call__(self, x):
        return _means(x)
    def untrained(self, seed):
        sys.exit(0)
    def digest(self):
        return "twins"

def twins_leave():
    return _Twins()

class _Encoder:
    def encode(self, images):
        return np.stack([image.pixels.mean((1, 2)) for image in images])
    def digest(self):
        sys.exit(0)

def digest_leaves():
    return _Encoder()
"""
TRAINING = """
import sys

def main():
    return 0

def model():
    return lambda x: x.mean((2, 3))

sys.exit(main())
"""
GONE = "import os\nos._exit(0)\n"

MISTAKES = {
    "factory_leaves": "SystemExit: 0",
    "encode_leaves": "SystemExit: 0",
    "twins_leave": "SystemExit: 0",
    "digest_leaves": "SystemExit: 0",
    "skips": "Skipped: nothing to see here",
    "exits_pytest": "Exit: all is well",
    "out_of_memory": "MemoryError: no 80 GiB",
    "too_deep": "RecursionError: ",
}
ERRORS = {
    "factory_is_gone": "ended itself with exit status 0, without a verdict",
    "encode_is_gone": "ended itself with exit status 0, without a verdict",
    "thread_is_gone": "ended itself with exit status 0, without a verdict",
    "segfaults": "was killed by SIGSEGV, without a verdict",
    "signals_its_group": "was killed by SIGTERM, without a verdict",
    "dies_of_a_signal_without_a_name": "was killed by signal 40, without a verdict",
    "daemonises": "ended itself with exit status 0, without a verdict",
    "interrupts_itself": "KeyboardInterrupt",
    "breaks_a_protocol": "ValueError: this solver needs two classes",
}


def one_outcome(found):
    """The outcome that all scorecards in the folder give; none is a release."""
    (outcome,) = {card["gate"]["outcome"] for card in found.cards}
    assert not released(found)
    assert "released" not in (found.report / "scorecard.md").read_text().splitlines()[2]
    return outcome


def released(found):
    """Whether a scorecard in the folder is a release; where pytest reads no option, none is written."""
    return any(card["gate"]["released"] for card in found.cards)
