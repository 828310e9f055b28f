"""Tests of recipes have the fixtures and helpers of tests/."""


def pytest_configure(config):
    """Register the fixtures, which tests/conftest.py registers too."""
    config.pluginmanager.import_plugin("shared_fixtures")


def pytest_ignore_collect(collection_path):
    """Collect nothing but tests: the other files are scripts, to be run from their own folder."""
    if collection_path.suffix == ".py" and not collection_path.name.startswith("test_"):
        return True
    return None
