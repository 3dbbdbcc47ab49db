"""Runs inside the built image and checks it: exit code 0, or 1 and what is wrong.

python3 verify.py
"""

from __future__ import annotations

import importlib
import io
import platform
import sys

PACKAGES = ("numpy", "pandas", "PIL", "scipy", "sklearn")


def problems() -> list[str]:
    """Everything that does not work, in words."""
    found = []
    for name in PACKAGES:
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            found.append(f"package {name}: {error}")
        else:
            print(f"{name} {module.__version__} at {module.__path__[0]}")
    if found:
        return found

    import numpy as np
    import pandas as pd
    from PIL import Image
    from scipy.optimize import brentq
    from sklearn.linear_model import LinearRegression

    x = np.arange(20.0).reshape(-1, 1)
    fit = LinearRegression().fit(x, 3 * x[:, 0] + 1)
    if not np.allclose([fit.coef_[0], fit.intercept_], [3, 1]):
        found.append("scikit-learn does not find the line")
    frame = pd.DataFrame({"group": ["a", "b", "a"], "value": [1, 2, 3]})
    if frame.groupby("group")["value"].sum().to_dict() != {"a": 4, "b": 2}:
        found.append("pandas can't group")
    if abs(brentq(lambda value: value * value - 2, 0, 2) - 2**0.5) > 1e-9:
        found.append("scipy does not find the root of two")
    file = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(file, "PNG")
    if Image.open(io.BytesIO(file.getvalue())).getpixel((2, 2)) != (255, 0, 0):
        found.append("pillow does not read what it wrote")
    return found


if __name__ == "__main__":
    print(f"python {platform.python_version()} at {sys.executable}")
    if wrong := problems():
        sys.exit("\n".join(wrong))
    print("the runtime scientific works")
