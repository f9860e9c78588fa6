"""Asks the network when it is imported, and hides that it failed; every kind of component is in it."""

import contextlib
import urllib.request

import fake_aligners
import fake_encoders
import fake_fusions
import fake_indexes
import fake_modalities
import fake_recipes
import fake_small
import fake_tasks
import fake_trainables

with contextlib.suppress(OSError):
    urllib.request.urlopen("http://localhost:9/model.bin", timeout=1)

encoder = fake_encoders.Good
modality = fake_modalities.Colour
aligner = fake_aligners.Good
fusion = fake_fusions.Good
trainable = fake_trainables.Good
task = fake_tasks.Good
index = fake_indexes.Good
recipe = fake_recipes.Good
loader = fake_small.load
command = fake_small.greet
health = fake_small.healthy
