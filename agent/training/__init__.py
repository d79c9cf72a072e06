"""Training, measuring and exporting the expression network; needs the extra ``train``.

Nothing that runs in the tray imports this package, except the optional engine
:mod:`agent.training.torch_engine`, and that only when the setting asks for it.
"""
