"""Models that the user's code makes, one for each kind of part that a digest must follow, and an edit of that part.

Each is a folder of files: ``model.py`` has the factory ``make``. `EDITS` names the file that is edited, and how; an array
is a file of weights.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

CALL = "    def __call__(self, x):\n        return (x.max((2, 3)) @ self.w).astype(np.float32)\n"
LOADED = "np.load(HERE / 'w.npy')"
TOP = "from pathlib import Path\nimport numpy as np\nHERE = Path(__file__).parent\n"
NET = "import torch\nclass Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
FORWARD = "    def forward(self, x):\n        return x.mean((2, 3))"
WEIGHTS = np.ones((3, 2), np.float32)

Files = dict[str, "str | np.ndarray"]

KINDS: dict[str, tuple[Files, tuple[str, str, str]]] = {
    "helper": (
        {
            "model.py": "import helper\ndef make(): return lambda x: helper.f(x)",
            "helper.py": "def f(x): return x * 1.0",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "helper of a helper": (
        {
            "model.py": "from helper import f\ndef make(): return f",
            "helper.py": "import deep\ndef f(x): return deep.g(x)",
            "deep.py": "def g(x): return x * 1.0",
        },
        ("deep.py", "1.0", "2.0"),
    ),
    "module of a package": (
        {
            "model.py": "from pack.sub.nets import f\ndef make(): return f",
            "pack/__init__.py": "",
            "pack/sub/__init__.py": "",
            "pack/sub/nets.py": "from ..layers import g\ndef f(x): return g(x)",
            "pack/layers.py": "from . import scales as s\ndef g(x): return x * s.SCALE",
            "pack/scales.py": "SCALE = 1.0",
        },
        ("pack/scales.py", "1.0", "2.0"),
    ),
    "module without an __init__": (
        {"model.py": "import pack.nets\ndef make(): return pack.nets.f", "pack/nets.py": "def f(x): return x * 1.0"},
        ("pack/nets.py", "1.0", "2.0"),
    ),
    "module by import_module": (
        {
            "model.py": "import importlib\ndef make(): return importlib.import_module('helper').f",
            "helper.py": "def f(x): return x * 1.0",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "module by a made-up name": (
        {
            "model.py": "import importlib\ndef make(): return importlib.import_module('per'.join(('hel', ''))).f",
            "helper.py": "def f(x): return x * 1.0",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "module imported in the call": (
        {
            "model.py": "def make(): return run\ndef run(x):\n    import helper\n    return helper.f(x)",
            "helper.py": "def f(x): return x * 1.0",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "module that only runs at import": (
        {"model.py": "import patch\ndef make(): return lambda x: x", "patch.py": "import numpy\nLEVEL = 1.0"},
        ("patch.py", "1.0", "2.0"),
    ),
    "module that puts an object in its place": (
        {
            "model.py": "import helper\ndef make(): return lambda x: helper.f(x)",
            "helper.py": "import sys\nclass Lazy:\n    def f(self, x): return x * 1.0\nsys.modules[__name__] = Lazy()",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "constant of a helper from a file": (
        {
            "model.py": "import helper\ndef make(): return lambda x: x @ helper.W",
            "helper.py": TOP + f"W = {LOADED}",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "global by name alone": (
        {
            "model.py": TOP + f"W = {LOADED}\ndef make(): return run\ndef run(x): return globals()['W']",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "global that the factory sets": (
        {
            "model.py": TOP + f"def make():\n    global W\n    W = {LOADED}\n    return run\ndef run(x): return x @ W",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "global of a nested function": (
        {
            "model.py": TOP + f"W = {LOADED}\ndef make(): return run\ndef run(x): return (lambda y: y @ W)(x)",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "attribute": (
        {
            "model.py": TOP + f"class Net:\n    def __init__(self): self.w = {LOADED}\n{CALL}make = Net",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "slot": (
        {
            "model.py": TOP
            + f"class Net:\n    __slots__ = ('w',)\n    def __init__(self): self.w = {LOADED}\n{CALL}make = Net",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "private slot of a base": (
        {
            "model.py": TOP
            + f"class Base:\n    __slots__ = '__w'\n    def __init__(self): self.__w = {LOADED}\n    def of(self): return self.__w\n"
            "class Net(Base):\n    __slots__ = ()\n    def __call__(self, x): return x @ self.of()\nmake = Net",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "closure": (
        {
            "model.py": TOP + f"def make():\n    w = {LOADED}\n    def f(x): return x @ w\n    return f",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "default": (
        {"model.py": TOP + f"def run(x, w={LOADED}): return x @ w\ndef make(): return run", "w.npy": WEIGHTS},
        ("w.npy", "", ""),
    ),
    "keyword default": (
        {"model.py": TOP + f"def run(x, *, w={LOADED}): return x @ w\ndef make(): return run", "w.npy": WEIGHTS},
        ("w.npy", "", ""),
    ),
    "partial": (
        {
            "model.py": TOP
            + f"from functools import partial\ndef run(w, x): return x @ w\ndef make(): return partial(run, {LOADED})",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "bound method": (
        {
            "model.py": TOP
            + f"class Net:\n    def __init__(self): self.w = {LOADED}\n    def run(self, x): return x @ self.w\n"
            "def make(): return Net().run",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "class attribute": (
        {"model.py": TOP + f"class Net:\n    w = {LOADED}\n{CALL}make = Net", "w.npy": WEIGHTS},
        ("w.npy", "", ""),
    ),
    "class attribute set later": (
        {
            "model.py": TOP + f"class Net:\n{CALL}def make():\n    Net.w = {LOADED}\n    return Net()",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "property of a base in a helper": (
        {
            "model.py": "import numpy as np\nimport helper\nclass Net(helper.Base):\n" + CALL + "make = Net",
            "helper.py": "import numpy as np\nclass Base:\n    @property\n    def w(self): return np.full((3, 2), 1.0)",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "descriptor": (
        {
            "model.py": TOP + "class Weights:\n    def __init__(self, w): self.w = w\n"
            f"    def __get__(self, owner, kind=None): return self.w\nclass Net:\n    w = Weights({LOADED})\n{CALL}make = Net",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "dict": (
        {
            "model.py": TOP + f"W = {{'a': [{{'b': ({LOADED},)}}]}}\ndef run(x): return W\ndef make(): return run",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "set": (
        {"model.py": "NAMES = {'a', 'b', 'c', 'd', 1.0}\ndef run(x): return NAMES\ndef make(): return run"},
        ("model.py", "1.0", "2.0"),
    ),
    "set of functions that name it": (
        {
            "model.py": "def f(x): return ALL\ndef g(x): return 1.0\nALL = {f, g}\ndef make(): return f",
        },
        ("model.py", "1.0", "2.0"),
    ),
    "dataclass": (
        {
            "model.py": TOP + "from dataclasses import dataclass, field\n@dataclass\nclass Net:\n    w: np.ndarray\n"
            f"    more: list = field(default_factory=list)\n{CALL}def make(): return Net({LOADED})",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "named tuple, enum and pattern": (
        {
            "model.py": "import enum, re\nfrom typing import NamedTuple\nclass Kind(enum.Enum):\n    A = 1.0\n    B = 3.0\n"
            "class Pair(NamedTuple):\n    a: Kind\n    b: object\nP = Pair(Kind.A, re.compile('[a-c]'))\n"
            "def run(x): return P\ndef make(): return run"
        },
        ("model.py", "1.0", "2.0"),
    ),
    "cycle": (
        {
            "model.py": TOP + "class Part:\n    pass\ndef make():\n    a, b = Part(), Part()\n"
            f"    a.b, b.a, b.w = b, a, {LOADED}\n    return lambda x: x @ a.b.w",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "long chain": (
        {
            "model.py": TOP
            + "class Part:\n    pass\ndef make():\n    first = last = Part()\n    for _ in range(2000):\n"
            f"        last.next = Part()\n        last = last.next\n    last.w = {LOADED}\n    return lambda x: first",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "decorated function": (
        {
            "model.py": "import functools\ndef louder(f):\n    @functools.wraps(f)\n    def run(x): return f(x) * 1.0\n    return run\n"
            "@louder\ndef f(x): return x\ndef make(): return f"
        },
        ("model.py", "1.0", "2.0"),
    ),
    "cached function that has read a file": (
        {
            "model.py": TOP
            + "import functools\n@functools.lru_cache\ndef weights(n): return np.load(HERE / f'{n}.npy')\n"
            "def run(x): return x @ weights('w.npy'[:1])\ndef make():\n    weights('w')\n    return run\nNAMED = 'w.npy'",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "function attribute": (
        {
            "model.py": TOP + f"def run(x): return x @ run.w\ndef make():\n    run.w = {LOADED}\n    return run",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "file named in the call": (
        {"model.py": TOP + f"def run(x): return x @ {LOADED}\ndef make(): return run", "w.npy": WEIGHTS},
        ("w.npy", "", ""),
    ),
    "file at a path kept": (
        {
            "model.py": TOP + "class Net:\n    def __init__(self): self.path = str(HERE / '.'.join(('w', 'npy')))\n"
            "    def __call__(self, x): return x @ np.load(self.path)\nmake = Net",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "array of objects, of texts and of times": (
        {
            "model.py": "import numpy as np\nA = np.array([{'a': 1.0}, None], object), np.array(['ab', 'c']), np.array(['2026'], 'M8[s]')\n"
            "def run(x): return A\ndef make(): return run"
        },
        ("model.py", "1.0", "2.0"),
    ),
    "data frame and fitted estimator": (
        {
            "model.py": TOP + "import pandas as pd\nfrom sklearn.decomposition import PCA\n"
            f"from sklearn.tree import DecisionTreeRegressor\ndef make():\n    w = {LOADED}\n"
            "    x = np.arange(12.0).reshape(6, 2) % 5\n"
            "    t = DecisionTreeRegressor(random_state=0).fit(x, x[:, 0] * w[0, 0])\n"
            "    parts = t, PCA(1).fit(x), pd.DataFrame(x)\n    return lambda x: parts",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "module's parameter": (
        {
            "model.py": TOP
            + NET
            + f"        self.w = torch.nn.Parameter(torch.from_numpy({LOADED}))\n{FORWARD} @ self.w\nmake = Net",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "module's hidden buffer": (
        {
            "model.py": TOP
            + NET
            + f"        self.register_buffer('w', torch.from_numpy({LOADED}), persistent=False)\n{FORWARD} @ self.w\nmake = Net",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "module's attribute": (
        {"model.py": NET + f"        self.scale = 1.0\n{FORWARD} * self.scale\nmake = Net"},
        ("model.py", "1.0", "2.0"),
    ),
    "module's attribute, a tensor in a dict": (
        {
            "model.py": TOP
            + NET
            + f"        self.w = {{'a': torch.from_numpy({LOADED})}}\n{FORWARD} @ self.w['a']\nmake = Net",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "module's hook": (
        {
            "model.py": "import torch, helper\ndef make():\n    net = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())\n"
            "    net.register_forward_hook(lambda net, x, y: helper.f(y))\n    return net",
            "helper.py": "def f(x): return x * 1.0",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "module whose forward calls a helper": (
        {
            "model.py": "from helper import f\n" + NET + "        pass\n    @torch.no_grad()\n"
            "    def forward(self, x): return f(x.mean((2, 3)))\nmake = Net",
            "helper.py": "def f(x): return x * 1.0",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "library's module with another forward": (
        {
            "model.py": "import torch, helper\ndef make():\n    net = torch.nn.Flatten()\n"
            "    net.forward = lambda x: helper.f(x.mean((2, 3)))\n    return net",
            "helper.py": "def f(x): return x * 1.0",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "library's class with a method of the user's": (
        {
            "model.py": "import torch, helper\nclass Pool(torch.nn.CELU): pass\n"
            "def make():\n    torch.nn.CELU.more = helper.f\n    return Pool()",
            "helper.py": "def f(self, x): return x * 1.0",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "callable around a module": (
        {
            "model.py": TOP + "import torch\ndef make():\n    net = torch.nn.Linear(3, 2)\n"
            f"    with torch.no_grad():\n        net.weight.copy_(torch.from_numpy({LOADED}.T))\n        net.bias.zero_()\n"
            "    return lambda x: net(torch.from_numpy(x.mean((2, 3)))).detach().numpy()",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "encoder with a digest": (
        {
            "model.py": "import helper\nclass Coder:\n    def digest(self): return 'v1'\n"
            "    def encode(self, images): return helper.f(images)\nmake = Coder",
            "helper.py": "def f(x): return x * 1.0",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "encoder whose digest is of its weights": (
        {
            "model.py": TOP
            + f"class Coder:\n    def __init__(self): self.w = {LOADED}\n    def digest(self): return str(self.w)\n"
            "    def encode(self, images): return images\nmake = Coder",
            "w.npy": WEIGHTS,
        },
        ("w.npy", "", ""),
    ),
    "callable with a digest": (
        {
            "model.py": "import helper, zlib\nclass Net:\n    def __init__(self): self.secret = zlib.compressobj()\n    def digest(self): return 'v1'\n"
            "    def __call__(self, x): return helper.f(x)\nmake = Net",
            "helper.py": "def f(x): return x * 1.0",
        },
        ("helper.py", "1.0", "2.0"),
    ),
    "part with a digest": (
        {
            "model.py": "import zlib\nclass Session:\n    def __init__(self): self.secret = zlib.compressobj()\n    def digest(self): return '1.0'\n"
            "def make():\n    session = Session()\n    return lambda x: session"
        },
        ("model.py", "1.0", "2.0"),
    ),
}


def write(folder: Path, kind: str) -> Path:
    """Write a model's files and return the one with the factory."""
    for name, content in KINDS[kind][0].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content)
        else:
            np.save(path, content)
    return folder / "model.py"


def edit(folder: Path, kind: str) -> None:
    """Edit the part that the model is named after."""
    name, old, new = KINDS[kind][1]
    if name.endswith(".npy"):
        np.save(folder / name, 2 * np.load(folder / name))
        return
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
