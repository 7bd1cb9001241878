"""otviz: see optimal transport make generative models. All computation, no user interface.

Importing this package does not import torch; the modules that need it do.
"""

__version__ = "0.1.0"
