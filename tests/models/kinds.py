"""Models that the user's code makes, one for each kind of part that a digest must follow, and an edit of that part.

Each is the files of a folder, of which ``model.py`` has the factory ``make``, and the one that is edited: in a source
1.0 becomes 2.0, weights are doubled.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

WEIGHTS = np.ones((3, 2), np.float32)

KINDS: dict[str, tuple[dict[str, str], str]] = {
    "helper": (
        {
            "model.py": """
import helper
def make(): return lambda x: helper.f(x)
""",
            "helper.py": "def f(x): return x * 1.0",
        },
        "helper.py",
    ),
    "helper of a helper": (
        {
            "model.py": """
from helper import f
def make(): return f
""",
            "helper.py": """
import deep
def f(x): return deep.g(x)
""",
            "deep.py": "def g(x): return x * 1.0",
        },
        "deep.py",
    ),
    "module of a package": (
        {
            "model.py": """
from pack.sub.nets import f
def make(): return f
""",
            "pack/__init__.py": "",
            "pack/sub/__init__.py": "",
            "pack/sub/nets.py": """
from ..layers import g
def f(x): return g(x)
""",
            "pack/layers.py": """
from . import scales as s
def g(x): return x * s.SCALE
""",
            "pack/scales.py": "SCALE = 1.0",
        },
        "pack/scales.py",
    ),
    "module without an __init__": (
        {
            "model.py": """
import pack.nets
def make(): return pack.nets.f
""",
            "pack/nets.py": "def f(x): return x * 1.0",
        },
        "pack/nets.py",
    ),
    "module by import_module": (
        {
            "model.py": """
import importlib
def make(): return importlib.import_module('helper').f
""",
            "helper.py": "def f(x): return x * 1.0",
        },
        "helper.py",
    ),
    "module by a made-up name": (
        {
            "model.py": """
import importlib
def make(): return importlib.import_module('per'.join(('hel', ''))).f
""",
            "helper.py": "def f(x): return x * 1.0",
        },
        "helper.py",
    ),
    "module imported in the call": (
        {
            "model.py": """
def make(): return run
def run(x):
    import helper
    return helper.f(x)
""",
            "helper.py": "def f(x): return x * 1.0",
        },
        "helper.py",
    ),
    "module that only runs at import": (
        {
            "model.py": """
import patch
def make(): return lambda x: x
""",
            "patch.py": """
import numpy
LEVEL = 1.0
""",
        },
        "patch.py",
    ),
    "module that puts an object in its place": (
        {
            "model.py": """
import helper
def make(): return lambda x: helper.f(x)
""",
            "helper.py": """
import sys
class Lazy:
    def f(self, x): return x * 1.0
sys.modules[__name__] = Lazy()
""",
        },
        "helper.py",
    ),
    "constant of a helper from a file": (
        {
            "model.py": """
import helper
def make(): return lambda x: x @ helper.W
""",
            "helper.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
W = np.load(HERE / 'w.npy')
""",
        },
        "w.npy",
    ),
    "global by name alone": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
W = np.load(HERE / 'w.npy')
def make(): return run
def run(x): return globals()['W']
""",
        },
        "w.npy",
    ),
    "global that the factory sets": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
def make():
    global W
    W = np.load(HERE / 'w.npy')
    return run
def run(x): return x @ W
""",
        },
        "w.npy",
    ),
    "global of a nested function": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
W = np.load(HERE / 'w.npy')
def make(): return run
def run(x): return (lambda y: y @ W)(x)
""",
        },
        "w.npy",
    ),
    "attribute": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
class Net:
    def __init__(self): self.w = np.load(HERE / 'w.npy')
    def __call__(self, x):
        return (x.max((2, 3)) @ self.w).astype(np.float32)
make = Net
""",
        },
        "w.npy",
    ),
    "slot": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
class Net:
    __slots__ = ('w',)
    def __init__(self): self.w = np.load(HERE / 'w.npy')
    def __call__(self, x):
        return (x.max((2, 3)) @ self.w).astype(np.float32)
make = Net
""",
        },
        "w.npy",
    ),
    "private slot of a base": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
class Base:
    __slots__ = '__w'
    def __init__(self): self.__w = np.load(HERE / 'w.npy')
    def of(self): return self.__w
class Net(Base):
    __slots__ = ()
    def __call__(self, x): return x @ self.of()
make = Net
""",
        },
        "w.npy",
    ),
    "closure": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
def make():
    w = np.load(HERE / 'w.npy')
    def f(x): return x @ w
    return f
""",
        },
        "w.npy",
    ),
    "default": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
def run(x, w=np.load(HERE / 'w.npy')): return x @ w
def make(): return run
""",
        },
        "w.npy",
    ),
    "keyword default": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
def run(x, *, w=np.load(HERE / 'w.npy')): return x @ w
def make(): return run
""",
        },
        "w.npy",
    ),
    "partial": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
from functools import partial
def run(w, x): return x @ w
def make(): return partial(run, np.load(HERE / 'w.npy'))
""",
        },
        "w.npy",
    ),
    "bound method": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
class Net:
    def __init__(self): self.w = np.load(HERE / 'w.npy')
    def run(self, x): return x @ self.w
def make(): return Net().run
""",
        },
        "w.npy",
    ),
    "class attribute": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
class Net:
    w = np.load(HERE / 'w.npy')
    def __call__(self, x):
        return (x.max((2, 3)) @ self.w).astype(np.float32)
make = Net
""",
        },
        "w.npy",
    ),
    "class attribute set later": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
class Net:
    def __call__(self, x):
        return (x.max((2, 3)) @ self.w).astype(np.float32)
def make():
    Net.w = np.load(HERE / 'w.npy')
    return Net()
""",
        },
        "w.npy",
    ),
    "property of a base in a helper": (
        {
            "model.py": """
import numpy as np
import helper
class Net(helper.Base):
    def __call__(self, x):
        return (x.max((2, 3)) @ self.w).astype(np.float32)
make = Net
""",
            "helper.py": """
import numpy as np
class Base:
    @property
    def w(self): return np.full((3, 2), 1.0)
""",
        },
        "helper.py",
    ),
    "descriptor": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
class Weights:
    def __init__(self, w): self.w = w
    def __get__(self, owner, kind=None): return self.w
class Net:
    w = Weights(np.load(HERE / 'w.npy'))
    def __call__(self, x):
        return (x.max((2, 3)) @ self.w).astype(np.float32)
make = Net
""",
        },
        "w.npy",
    ),
    "dict": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
W = {'a': [{'b': (np.load(HERE / 'w.npy'),)}]}
def run(x): return W
def make(): return run
""",
        },
        "w.npy",
    ),
    "set": (
        {
            "model.py": """
NAMES = {'a', 'b', 'c', 'd', 1.0}
def run(x): return NAMES
def make(): return run
""",
        },
        "model.py",
    ),
    "set of functions that name it": (
        {
            "model.py": """
def f(x): return ALL
def g(x): return 1.0
ALL = {f, g}
def make(): return f
""",
        },
        "model.py",
    ),
    "dataclass": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
from dataclasses import dataclass, field
@dataclass
class Net:
    w: np.ndarray
    more: list = field(default_factory=list)
    def __call__(self, x):
        return (x.max((2, 3)) @ self.w).astype(np.float32)
def make(): return Net(np.load(HERE / 'w.npy'))
""",
        },
        "w.npy",
    ),
    "named tuple, enum and pattern": (
        {
            "model.py": """
import enum, re
from typing import NamedTuple
class Kind(enum.Enum):
    A = 1.0
    B = 3.0
class Pair(NamedTuple):
    a: Kind
    b: object
P = Pair(Kind.A, re.compile('[a-c]'))
def run(x): return P
def make(): return run
""",
        },
        "model.py",
    ),
    "cycle": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
class Part:
    pass
def make():
    a, b = Part(), Part()
    a.b, b.a, b.w = b, a, np.load(HERE / 'w.npy')
    return lambda x: x @ a.b.w
""",
        },
        "w.npy",
    ),
    "long chain": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
class Part:
    pass
def make():
    first = last = Part()
    for _ in range(2000):
        last.next = Part()
        last = last.next
    last.w = np.load(HERE / 'w.npy')
    return lambda x: first
""",
        },
        "w.npy",
    ),
    "decorated function": (
        {
            "model.py": """
import functools
def louder(f):
    @functools.wraps(f)
    def run(x): return f(x) * 1.0
    return run
@louder
def f(x): return x
def make(): return f
""",
        },
        "model.py",
    ),
    "cached function that has read a file": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
import functools
@functools.lru_cache
def weights(n): return np.load(HERE / n)
def run(x): return x @ weights('w.npy')
def make():
    weights('w.npy')
    return run
""",
        },
        "w.npy",
    ),
    "function attribute": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
def run(x): return x @ run.w
def make():
    run.w = np.load(HERE / 'w.npy')
    return run
""",
        },
        "w.npy",
    ),
    "file named in the call": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
def run(x): return x @ np.load(HERE / 'w.npy')
def make(): return run
""",
        },
        "w.npy",
    ),
    "file at a path kept": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
class Net:
    def __init__(self): self.path = str(HERE / '.'.join(('w', 'npy')))
    def __call__(self, x): return x @ np.load(self.path)
make = Net
""",
        },
        "w.npy",
    ),
    "array of objects, of texts and of times": (
        {
            "model.py": """
import numpy as np
A = np.array([{'a': 1.0}, None], object), np.array(['ab', 'c']), np.array(['2026'], 'M8[s]')
def run(x): return A
def make(): return run
""",
        },
        "model.py",
    ),
    "data frame and fitted estimator": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.tree import DecisionTreeRegressor
def make():
    w = np.load(HERE / 'w.npy')
    x = np.arange(12.0).reshape(6, 2) % 5
    t = DecisionTreeRegressor(random_state=0).fit(x, x[:, 0] * w[0, 0])
    parts = t, PCA(1).fit(x), pd.DataFrame(x)
    return lambda x: parts
""",
        },
        "w.npy",
    ),
    "module's parameter": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.from_numpy(np.load(HERE / 'w.npy')))
    def forward(self, x):
        return x.mean((2, 3)) @ self.w
make = Net
""",
        },
        "w.npy",
    ),
    "module's hidden buffer": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer('w', torch.from_numpy(np.load(HERE / 'w.npy')), persistent=False)
    def forward(self, x):
        return x.mean((2, 3)) @ self.w
make = Net
""",
        },
        "w.npy",
    ),
    "module's attribute": (
        {
            "model.py": """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = 1.0
    def forward(self, x):
        return x.mean((2, 3)) * self.scale
make = Net
""",
        },
        "model.py",
    ),
    "module's attribute, a tensor in a dict": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = {'a': torch.from_numpy(np.load(HERE / 'w.npy'))}
    def forward(self, x):
        return x.mean((2, 3)) @ self.w['a']
make = Net
""",
        },
        "w.npy",
    ),
    "module's hook": (
        {
            "model.py": """
import torch, helper
def make():
    net = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    net.register_forward_hook(lambda net, x, y: helper.f(y))
    return net
""",
            "helper.py": "def f(x): return x * 1.0",
        },
        "helper.py",
    ),
    "module whose forward calls a helper": (
        {
            "model.py": """
from helper import f
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        pass
    @torch.no_grad()
    def forward(self, x): return f(x.mean((2, 3)))
make = Net
""",
            "helper.py": "def f(x): return x * 1.0",
        },
        "helper.py",
    ),
    "library's module with another forward": (
        {
            "model.py": """
import torch, helper
def make():
    net = torch.nn.Flatten()
    net.forward = lambda x: helper.f(x.mean((2, 3)))
    return net
""",
            "helper.py": "def f(x): return x * 1.0",
        },
        "helper.py",
    ),
    "library's class with a method of the user's": (
        {
            "model.py": """
import torch, helper
class Pool(torch.nn.CELU): pass
def make():
    torch.nn.CELU.more = helper.f
    return Pool()
""",
            "helper.py": "def f(self, x): return x * 1.0",
        },
        "helper.py",
    ),
    "callable around a module": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
import torch
def make():
    net = torch.nn.Linear(3, 2)
    with torch.no_grad():
        net.weight.copy_(torch.from_numpy(np.load(HERE / 'w.npy').T))
        net.bias.zero_()
    return lambda x: net(torch.from_numpy(x.mean((2, 3)))).detach().numpy()
""",
        },
        "w.npy",
    ),
    "encoder with a digest": (
        {
            "model.py": """
import helper
class Coder:
    def digest(self): return 'v1'
    def encode(self, images): return helper.f(images)
make = Coder
""",
            "helper.py": "def f(x): return x * 1.0",
        },
        "helper.py",
    ),
    "encoder whose digest is of its weights": (
        {
            "model.py": """
from pathlib import Path
import numpy as np
HERE = Path(__file__).parent
class Coder:
    def __init__(self): self.w = np.load(HERE / 'w.npy')
    def digest(self): return str(self.w)
    def encode(self, images): return images
make = Coder
""",
        },
        "w.npy",
    ),
    "callable with a digest": (
        {
            "model.py": """
import helper, zlib
class Net:
    def __init__(self): self.secret = zlib.compressobj()
    def digest(self): return 'v1'
    def __call__(self, x): return helper.f(x)
make = Net
""",
            "helper.py": "def f(x): return x * 1.0",
        },
        "helper.py",
    ),
    "part with a digest": (
        {
            "model.py": """
import zlib
class Session:
    def __init__(self): self.secret = zlib.compressobj()
    def digest(self): return '1.0'
def make():
    session = Session()
    return lambda x: session
""",
        },
        "model.py",
    ),
}


def write(folder: Path, kind: str) -> Path:
    """Write a model's files and return the one with the factory."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "w.npy", WEIGHTS)
    for name, content in KINDS[kind][0].items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content.lstrip())
    return folder / "model.py"


def edit(folder: Path, kind: str) -> None:
    """Edit the part that the model is named after."""
    path = folder / KINDS[kind][1]
    if path.suffix == ".npy":
        np.save(path, 2 * WEIGHTS)
        return
    text = path.read_text()
    assert "1.0" in text
    path.write_text(text.replace("1.0", "2.0"))
