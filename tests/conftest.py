"""What all tests share: pytest's own tool for testing plugins, which only the outermost conftest may load."""

pytest_plugins = ["pytester"]
