"""Loaders, commands and health checks, good and bad."""

import click

from mmsdk import Health


def load(reference, *, modality, device="cpu", trust_remote_code=False, **options):
    raise NotImplementedError


def pull(reference, folder, *, quiet=False):
    raise NotImplementedError


def locate(reference):
    return None


def load_with_a(reference, *, modality, device="cpu", trust_remote_code=False, a=0):
    raise NotImplementedError


def load_without_device(reference, *, modality):
    raise NotImplementedError


@click.command()
def greet():
    """Say hello."""


@click.command()
def silent():
    pass


def healthy():
    yield Health(name="pulse", status="ok", detail="60 a minute")


def sick():
    yield Health(name="pulse", status="bad", detail="none")


number = 3
